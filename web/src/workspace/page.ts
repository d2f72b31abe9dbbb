// The page of a live workspace: waits for the session, shows it, and stays with it until it is over.
import { Refused, status, ticket } from "./api";
import { waitBefore } from "./backoff";
import { Clipboard } from "./clipboard";
import { reasonOf, type Step } from "./close_reasons";
import { make } from "./elements";
import { Overlay, type Action } from "./overlay";
import { settingsOf, type Settings } from "./settings";
import { Stream } from "./stream";
import { Toolbar } from "./toolbar";

type State = "starting" | "connecting" | "live" | "reconnecting" | "ended";

/** Between two looks at a session that is starting: first often, since most are there at once. Milliseconds. */
const SOON_MS = 120;
const LATER_MS = 1000;
const SOON_LOOKS = 40;

class WorkspacePage {
  private readonly screen: HTMLElement;
  private readonly overlay: Overlay;
  private readonly clipboard: Clipboard;
  private stream: Stream | undefined;
  /** Ends the wait before the next attempt. */
  private tryNow = () => {};

  constructor(
    main: HTMLElement,
    private readonly settings: Settings,
  ) {
    this.clipboard = new Clipboard(settings, (text) => this.stream?.paste(text));
    this.screen = make("div", {
      class: "workspace-screen",
      role: "application",
      "aria-label": `Screen of ${settings.name}. Press Ctrl, Alt and Shift together for the menu.`,
    });
    main.append(make("h1", { class: "sr-only" }, settings.name), this.screen);
    this.overlay = new Overlay(main);
    new Toolbar(main, settings, this.clipboard, {
      press: (keys) => this.stream?.press(keys),
      focus: () => this.stream?.focus(),
    });
    addEventListener("focus", () => void this.clipboard.refresh());
    addEventListener("online", () => this.tryNow());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.tryNow();
    });
  }

  /** From the first look to the end. */
  async run(): Promise<void> {
    this.enter("starting");
    this.overlay.show(`Starting ${this.settings.name}`, "One moment.", { progress: 5, actions: [this.leave()] });
    for (let attempt = 0; ; attempt += 1) {
      try {
        if (!(await this.untilRunning())) return;
        if (attempt === 0) this.enter("connecting");
        const { code, wasLive } = await this.connect();
        if (!(await this.goesOn(code))) return;
        if (wasLive) attempt = 0;
      } catch (problem) {
        if (!(problem instanceof Refused)) throw problem;
        if (this.endsWith(problem)) return;
      }
      await this.pause(attempt);
    }
  }

  /** Waits until the session runs. False if it is over. */
  private async untilRunning(): Promise<boolean> {
    for (let looks = 0; ; looks += 1) {
      const now = await status(this.settings);
      if (now.state === "running") return true;
      if (now.state === "ended") {
        this.end("The session ended", [now.message, now.next].filter(Boolean).join(" "), "dashboard");
        return false;
      }
      this.enter("starting");
      this.overlay.show(`Starting ${this.settings.name}`, now.message, { progress: now.progress, actions: [this.leave()] });
      await new Promise((resolve) => setTimeout(resolve, looks < SOON_LOOKS ? SOON_MS : LATER_MS));
    }
  }

  /** One connection, from the ticket to its end. */
  private async connect(): Promise<{ code: number; wasLive: boolean }> {
    const admission = await ticket(this.settings);
    const ended = new Promise<{ code: number; wasLive: boolean }>((resolve) => {
      let wasLive = false;
      this.stream = new Stream(this.screen, admission.url, admission.ticket, {
        connected: () => {
          wasLive = true;
          this.enter("live");
          this.overlay.hide();
          this.stream?.focus();
          void this.clipboard.refresh();
        },
        firstFrame: () => performance.mark("innkeeper:first-frame"),
        clipboard: (text) => this.clipboard.take(text),
        closed: (code) => resolve({ code, wasLive }),
      });
    });
    return ended.finally(() => (this.stream = undefined));
  }

  /** Whether to connect again after a connection ended with this code. If not, says why. */
  private async goesOn(code: number): Promise<boolean> {
    const reason = reasonOf(code);
    if (!reason || reason.reconnect) return true;
    let sentence = reason.sentence;
    if (reason.name === "session-ended") {
      // The service may know more precisely what happened inside.
      const now = await status(this.settings).catch(() => undefined);
      if (now?.state === "ended" && now.message) sentence = [now.message, now.next].filter(Boolean).join(" ");
    }
    this.end(reason.title, sentence, reason.step);
    return false;
  }

  /** Shows a refusal that is final. False if it will pass. */
  private endsWith(problem: Refused): boolean {
    switch (problem.kind) {
      case "trouble":
        return false;
      case "gone":
        this.end("The session ended", problem.message, "dashboard");
        return true;
      case "signed-out":
        this.end("You are signed out", "The session is still there. Sign in again to come back to it.", "sign-in");
        return true;
      case "forbidden":
        // A page that is older than the sign-in holds an old token, for example; loading it again mends that.
        this.end("The workspace cannot be opened", problem.message, "reload");
        return true;
    }
  }

  /** Waits before the next attempt; shortened by the button, by the network coming back, or by looking at the tab. */
  private async pause(attempt: number): Promise<void> {
    this.enter("reconnecting");
    const until = performance.now() + waitBefore(attempt, Math.random);
    await new Promise<void>((resolve) => {
      const show = () => {
        const seconds = Math.ceil((until - performance.now()) / 1000);
        if (seconds <= 0) return this.tryNow();
        const actions = [{ words: "Try now", go: () => this.tryNow() }, this.leave()];
        const when = attempt < 3 ? "Trying again." : `Trying again in ${seconds} s.`;
        this.overlay.show("The connection was lost", `The session keeps running. ${when}`, { thin: true, actions });
      };
      const timer = setInterval(show, 250);
      this.tryNow = () => {
        clearInterval(timer);
        this.tryNow = () => {};
        resolve();
      };
      show();
    });
  }

  /** The last words. */
  private end(title: string, sentence: string, step: Step): void {
    this.enter("ended");
    const actions: Record<Step, Action[]> = {
      dashboard: [this.leave("Back to my workspaces")],
      "sign-in": [{ words: "Sign in", go: location.pathname }, this.leave("Back to my workspaces")],
      reload: [{ words: "Open it here", go: () => location.reload() }, this.leave("Back to my workspaces")],
    };
    this.overlay.show(title, sentence, { actions: actions[step] });
    this.overlay.focus();
  }

  private leave(words = "Back to my workspaces"): Action {
    return { words, go: this.settings.dashboardUrl };
  }

  private enter(state: State): void {
    document.documentElement.dataset["streamState"] = state;
  }
}

const main = document.querySelector<HTMLElement>("#workspace");
if (main) void new WorkspacePage(main, settingsOf(main)).run();
