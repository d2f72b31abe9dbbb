/** `input[data-slug-from="#name"]` suggests a slug for a name until somebody writes one. */
export function slugs(root: ParentNode): void {
  for (const slug of root.querySelectorAll<HTMLInputElement>("input[data-slug-from]")) {
    const name = document.querySelector<HTMLInputElement>(slug.dataset["slugFrom"] ?? "");
    if (!name || slug.value) continue;
    let own = false;
    slug.addEventListener("input", () => (own = slug.value !== ""));
    name.addEventListener("input", () => {
      if (!own) slug.value = slugOf(name.value);
    });
  }
}

/** Lower-case ASCII letters, digits and single hyphens. */
export function slugOf(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 50);
}
