import type { Settings } from "./settings";

/** How the session is, as the service tells it. */
export type Status =
  | { state: "starting"; message: string; progress: number }
  | { state: "running" }
  | { state: "ended"; message: string; next: string };

/** A question that got no usable answer. Trouble passes; the others are final for this page. */
export class Refused extends Error {
  constructor(
    readonly kind: "trouble" | "signed-out" | "gone" | "forbidden",
    message: string,
  ) {
    super(message);
  }
}

export async function status(settings: Settings): Promise<Status> {
  const answer = await ask(settings.statusUrl, { method: "GET" });
  const message = text(answer["message"]);
  if (answer["state"] === "running") return { state: "running" };
  if (answer["state"] === "starting") return { state: "starting", message, progress: Number(answer["progress"]) || 0 };
  return { state: "ended", message, next: text(answer["next"]) };
}

/** A ticket for one connection, and the address to take it to. */
export async function ticket(settings: Settings): Promise<{ ticket: string; url: string }> {
  const answer = await ask(settings.ticketUrl, { method: "POST", headers: { "x-csrf-token": settings.csrf } });
  const url = new URL(text(answer["path"]), location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return { ticket: text(answer["ticket"]), url: url.href };
}

async function ask(url: string, init: RequestInit): Promise<Record<string, unknown>> {
  const headers = { accept: "application/json", ...init.headers };
  let response: Response;
  try {
    response = await fetch(url, { ...init, headers, redirect: "manual", cache: "no-store" });
  } catch {
    throw new Refused("trouble", "The service cannot be reached.");
  }
  if (response.type === "opaqueredirect" || response.status === 401) {
    throw new Refused("signed-out", "You are signed out.");
  }
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.ok) return answer;
  const message = text(answer["detail"]) || "The service could not answer.";
  if (response.status === 404 || response.status === 410) throw new Refused("gone", message);
  if (response.status === 403) throw new Refused("forbidden", message);
  throw new Refused("trouble", message);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
