const FIRST_MS = 500;
const MOST_MS = 15_000;

/** How long to wait before the attempt with this number (from 0). Milliseconds. Doubles up to 15 s; a part of it is
 *  left to chance, so that many pages do not come back to a restarted service at the same moment.
 *  `random` gives numbers from 0 to just under 1. */
export function waitBefore(attempt: number, random: () => number): number {
  const full = Math.min(FIRST_MS * 2 ** Math.min(attempt, 16), MOST_MS);
  return Math.round(full * (0.75 + random() / 4));
}
