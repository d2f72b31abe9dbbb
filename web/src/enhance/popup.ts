const FEATURES = "popup,width=760,height=820";

/** `a[data-popup="name"]` and `form[data-popup="name"]` open in a window of their own. Give them `target="_blank"`
 *  for browsers without scripts or that refuse windows. */
export function popups(): void {
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-popup]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const opened = window.open(link.href, link.dataset["popup"] || "popup", FEATURES);
    if (!opened) return;
    event.preventDefault();
    opened.focus();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    const name = form.dataset["popup"];
    if (name === undefined || event.defaultPrevented) return;
    const opened = window.open("about:blank", name || "popup", FEATURES);
    if (opened) form.target = name || "popup";
  });
}
