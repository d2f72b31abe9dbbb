/** Between two looks. Milliseconds. */
const EVERY_MS = 4000;

/** `[data-live="URL"]` with an id asks the URL every few seconds while the tab is visible, and takes over the content
 *  of the element with the same id in the answer (which may be the whole page again, or a fragment). */
export function live(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-live]")) follow(element);
}

function follow(element: HTMLElement): void {
  const timer = setInterval(async () => {
    if (!element.isConnected) return clearInterval(timer);
    if (document.hidden || isInUse(element)) return;
    if (!(await refresh(element))) clearInterval(timer);
  }, EVERY_MS);
}

/** Nothing changes under somebody's fingers. */
function isInUse(element: HTMLElement): boolean {
  return element.contains(document.activeElement) || element.querySelector("details[open]") !== null;
}

/** Returns whether to go on. */
async function refresh(element: HTMLElement): Promise<boolean> {
  let response: Response;
  try {
    response = await fetch(element.dataset["live"] ?? "", { headers: { accept: "text/html" } });
  } catch {
    return true;
  }
  if (response.redirected || response.status === 401 || response.status === 403) {
    location.reload();
    return false;
  }
  if (!response.ok) return response.status >= 500;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById(element.id) ?? page.body;
  if (!isInUse(element) && fresh.innerHTML !== element.innerHTML) element.replaceChildren(...fresh.childNodes);
  return true;
}
