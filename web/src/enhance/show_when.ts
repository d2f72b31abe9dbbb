/** `[data-show-when="field=a|b"]` is shown while the field of the same form has one of the values; a check box has the
 *  value `on` or `off`. Hidden fields are still sent: the server decides what counts. */
export function showWhen(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-show-when]")) {
    const form = element.closest("form");
    const [name, values] = condition(element.dataset["showWhen"] ?? "");
    if (!form || !name) continue;
    const required = [...element.querySelectorAll<HTMLInputElement>("[required]")];
    const update = () => {
      const shown = values.includes(valueOf(form, name));
      element.hidden = !shown;
      for (const control of required) control.required = shown;
    };
    form.addEventListener("input", update);
    form.addEventListener("change", update);
    update();
  }
}

/** "field=a|b" as the name and the values. */
export function condition(text: string): [string, string[]] {
  const at = text.indexOf("=");
  return at < 0 ? ["", []] : [text.slice(0, at), text.slice(at + 1).split("|")];
}

function valueOf(form: HTMLFormElement, name: string): string {
  const control = form.elements.namedItem(name);
  if (control instanceof HTMLInputElement && control.type === "checkbox") return control.checked ? "on" : "off";
  if (control instanceof RadioNodeList) return control.value;
  return (control as HTMLInputElement | HTMLSelectElement | null)?.value ?? "";
}
