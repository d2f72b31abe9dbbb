/** Submits `form[data-autosubmit]` (the page that carries a SAML response to its service provider). Coming back to
 *  the page with the Back button does not send the person forward again; the form's own button still does. */
export function autosubmit(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-autosubmit]");
  if (!form) return;
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  if (navigation?.type === "back_forward") return;
  HTMLFormElement.prototype.submit.call(form);
}
