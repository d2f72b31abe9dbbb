// What the close codes of the stream mean to a person. The codes are those of `CloseReason` in crates/stream; a test
// there compares the table in close_reasons.json with it.
import table from "./close_reasons.json";

export type ReasonName = keyof typeof table;

/** Where a person can go from here. */
export type Step = "dashboard" | "sign-in" | "reload";

export interface Reason {
  name: ReasonName;
  reconnect: boolean;
  title: string;
  sentence: string;
  step: Step;
}

type Words = Pick<Reason, "title" | "sentence" | "step">;

const WORDS: Record<ReasonName, Words> = {
  "session-ended": {
    title: "The session ended",
    sentence: "What ran in this workspace has stopped. You can launch it again from your dashboard.",
    step: "dashboard",
  },
  "time-limit": {
    title: "Time limit reached",
    sentence: "This session reached its time limit and was ended. You can launch the workspace again.",
    step: "dashboard",
  },
  "idle-limit": {
    title: "Ended because it was not used",
    sentence: "Nobody used this session for a while, so it was ended. You can launch the workspace again.",
    step: "dashboard",
  },
  deleted: {
    title: "The session was deleted",
    sentence: "This session was deleted. You can launch the workspace again.",
    step: "dashboard",
  },
  stopped: {
    title: "An administrator ended the session",
    sentence: "An administrator ended this session. Ask them if you need to know why.",
    step: "dashboard",
  },
  "signed-out": {
    title: "You are signed out",
    sentence: "The session is still there. Sign in again to come back to it.",
    step: "sign-in",
  },
  "access-removed": {
    title: "You can no longer use this workspace",
    sentence: "Your access to this workspace was removed. Ask an administrator if you still need it.",
    step: "dashboard",
  },
  "opened-elsewhere": {
    title: "Open in another place",
    sentence: "This session was opened in another tab or on another device. You can take it back.",
    step: "reload",
  },
  "service-stopping": {
    title: "The service is restarting",
    sentence: "The session is still there. This page connects again by itself.",
    step: "reload",
  },
  malformed: {
    title: "The connection was closed",
    sentence: "This page and the service do not understand each other. Reload the page to get its newest version.",
    step: "reload",
  },
  "peer-lost": {
    title: "The connection was lost",
    sentence: "Nothing was heard from this page for a while. It connects again by itself.",
    step: "reload",
  },
  "session-unreachable": {
    title: "The workspace does not answer",
    sentence: "The workspace does not answer at the moment. This page tries again by itself.",
    step: "reload",
  },
};

const BY_CODE = new Map<number, ReasonName>(
  (Object.keys(table) as ReasonName[]).map((name) => [table[name].code, name]),
);

/** The reason for a close code of ours; none for those of the network and the protocol (1000 to 1015). */
export function reasonOf(code: number): Reason | undefined {
  const name = BY_CODE.get(code);
  return name && { name, reconnect: table[name].reconnect, ...WORDS[name] };
}
