/** Asks before `form[data-confirm="question"]` is sent. The button that confirms has the words of the button
 *  that was pressed. */
export function confirmForms(): void {
  const confirmed = new WeakSet<HTMLFormElement>();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    const question = form.dataset["confirm"];
    if (!question || confirmed.delete(form)) return;
    event.preventDefault();
    const submitter = event.submitter instanceof HTMLButtonElement ? event.submitter : null;
    ask(question, submitter?.textContent?.trim() || "Continue").then((yes) => {
      if (!yes) return;
      confirmed.add(form);
      form.requestSubmit(submitter);
    });
  });
}

/** Shows a modal question; resolves to whether it was confirmed. Escape and Cancel mean no. */
export function ask(question: string, verb: string): Promise<boolean> {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  const form = document.createElement("form");
  form.method = "dialog";
  const text = document.createElement("p");
  text.id = "confirm-question";
  text.textContent = question;
  dialog.setAttribute("aria-labelledby", text.id);
  const footer = document.createElement("footer");
  footer.append(button("Cancel", "cancel", "btn btn-outline"), button(verb, "confirm", "btn"));
  form.append(text, footer);
  dialog.append(form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "confirm");
    });
    dialog.showModal();
  });
}

function button(words: string, value: string, className: string): HTMLButtonElement {
  const made = document.createElement("button");
  made.value = value;
  made.className = className;
  made.textContent = words;
  return made;
}
