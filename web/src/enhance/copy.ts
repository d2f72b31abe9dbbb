import { announce } from "./announce";

/** `button[data-copy="#id"]` copies the value (of a field) or the text (of anything else). */
export function copyButtons(): void {
  document.addEventListener("click", async (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>("[data-copy]");
    const source = button && document.querySelector<HTMLElement>(button.dataset["copy"] ?? "");
    if (!button || !source) return;
    const copied = await copy(source);
    const before = button.dataset["copyWords"] ?? button.textContent ?? "Copy";
    button.dataset["copyWords"] = before;
    button.textContent = copied ? "Copied" : "Press Ctrl+C";
    announce(copied ? "Copied" : "The text is selected: press Ctrl+C to copy it");
    setTimeout(() => (button.textContent = before), 2000);
  });
}

/** Copies; where the browser refuses (no permission, no secure context) selects the text and says so. */
async function copy(source: HTMLElement): Promise<boolean> {
  const isField = source instanceof HTMLInputElement || source instanceof HTMLTextAreaElement;
  const text = isField ? source.value : (source.textContent ?? "");
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (isField) source.select();
    else getSelection()?.selectAllChildren(source);
    return false;
  }
}
