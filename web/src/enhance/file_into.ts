/** Larger than any certificate or metadata document that a service accepts. Bytes. */
const MOST_BYTES = 1024 * 1024;

/** `input[type=file][data-into="#textarea"]` puts the text of the chosen file into the text area, to be seen before
 *  it is sent. Without scripts the text is pasted by hand. */
export function fileInputs(root: ParentNode): void {
  for (const input of root.querySelectorAll<HTMLInputElement>("input[type=file][data-into]")) {
    input.addEventListener("change", () => void read(input));
  }
}

async function read(input: HTMLInputElement): Promise<void> {
  const target = document.querySelector<HTMLTextAreaElement>(input.dataset["into"] ?? "");
  const file = input.files?.[0];
  if (!target || !file) return;
  const problem = await fill(target, file);
  input.setCustomValidity(problem);
  if (problem) input.reportValidity();
}

/** Returns what is wrong with the file, or nothing. */
async function fill(target: HTMLTextAreaElement, file: File): Promise<string> {
  if (file.size > MOST_BYTES) return "This file is larger than 1 MB. Please choose the right one.";
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    return "This file is not text. Please choose a PEM or XML file.";
  }
  target.value = text;
  target.dispatchEvent(new Event("input", { bubbles: true }));
  return "";
}
