/** `[data-redirect-hash='{"#/staticlogin": "/staticlogin"}']` leads addresses of a page built on fragments, which the
 *  server never sees, to our paths. */
export function redirectHash(): void {
  const element = document.querySelector<HTMLElement>("[data-redirect-hash]");
  if (!element) return;
  const paths = JSON.parse(element.dataset["redirectHash"] ?? "{}") as Record<string, string>;
  const go = () => {
    const path = targetOf(paths, location.hash);
    if (path) location.replace(path);
  };
  addEventListener("hashchange", go);
  go();
}

/** The path of this site for a fragment, if there is one. */
export function targetOf(paths: Record<string, string>, hash: string): string | undefined {
  const path = Object.hasOwn(paths, hash) ? paths[hash] : undefined;
  return path && /^\/(?![/\\])/.test(path) ? path : undefined;
}
