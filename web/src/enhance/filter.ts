import { announce } from "./announce";

/** `input[data-filter="#list"]` shows only the rows or children that hold all the words typed. */
export function filters(root: ParentNode): void {
  for (const input of root.querySelectorAll<HTMLInputElement>("input[data-filter]")) {
    input.addEventListener("input", () => apply(input));
    if (input.value) apply(input);
  }
}

function apply(input: HTMLInputElement): void {
  const list = document.querySelector<HTMLElement>(input.dataset["filter"] ?? "");
  if (!list) return;
  const words = input.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const items = list instanceof HTMLTableElement ? [...list.tBodies].flatMap((body) => [...body.rows]) : [...list.children];
  let shown = 0;
  for (const item of items) {
    const text = (item.textContent ?? "").toLocaleLowerCase();
    const matches = words.every((word) => text.includes(word));
    (item as HTMLElement).hidden = !matches;
    if (matches) shown += 1;
  }
  announce(`${shown} of ${items.length} shown`);
}
