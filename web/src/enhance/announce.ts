/** Says something to screen readers through one polite live region. */
export function announce(words: string): void {
  let region = document.querySelector<HTMLElement>("#announcements");
  if (!region) {
    region = document.createElement("p");
    region.id = "announcements";
    region.className = "sr-only";
    region.setAttribute("role", "status");
    document.body.append(region);
  }
  region.textContent = words;
}
