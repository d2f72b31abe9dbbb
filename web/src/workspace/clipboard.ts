import { make } from "./elements";
import type { Settings } from "./settings";

/** The service refuses more; see MAX_CLIPBOARD in crates/stream. Bytes, with room for what the protocol adds. */
const MOST_BYTES = 1000 * 1000;

/** Carries text between the person's clipboard and the session's, as far as the policy and the browser allow: by
 *  itself when the browser grants it, and by hand in a panel always. */
export class Clipboard {
  readonly panel: HTMLElement;
  private readonly area = make("textarea", { class: "textarea", id: "workspace-clipboard", rows: "6" });
  private readonly words = make("p", { class: "hint", role: "status" });
  /** What both sides have; it is not sent back to where it came from. */
  private shared = "";

  constructor(
    private readonly settings: Settings,
    private readonly send: (text: string) => void,
  ) {
    const buttons = make("div", { class: "cluster" });
    if (settings.clipboardUp) {
      buttons.append(
        make("button", { class: "btn btn-sm", type: "button", click: () => this.give(this.area.value) }, "Send to the workspace"),
      );
      if (typeof navigator.clipboard?.readText === "function") {
        const read = () => void this.read();
        buttons.append(make("button", { class: "btn btn-outline btn-sm", type: "button", click: read }, "Read my clipboard"));
      }
    }
    const label = make("label", { for: this.area.id, class: "font-semibold" }, "Clipboard of the workspace");
    this.panel = make("section", { class: "workspace-panel", "aria-label": "Clipboard" }, label, this.area, buttons, this.words);
    this.words.textContent = this.explanation();
    this.area.readOnly = !settings.clipboardUp;
  }

  /** Whether there is anything to offer. */
  get allowed(): boolean {
    return this.settings.clipboardUp || this.settings.clipboardDown;
  }

  /** The session's clipboard changed. */
  take(text: string): void {
    if (!this.settings.clipboardDown) return;
    this.shared = text;
    this.area.value = text;
    // Refused without focus or permission; the panel has it then.
    navigator.clipboard?.writeText(text).catch(() => {});
  }

  /** The person came to the page: takes over what they copied elsewhere, where the browser has granted that before.
   *  It is not asked for here, out of the blue. */
  async refresh(): Promise<void> {
    if (!this.settings.clipboardUp || !navigator.permissions || !document.hasFocus()) return;
    try {
      const permission = await navigator.permissions.query({ name: "clipboard-read" as PermissionName });
      if (permission.state !== "granted") return;
      const text = await navigator.clipboard.readText();
      if (text && text !== this.shared) this.give(text);
    } catch {
      // Not every browser knows this permission; the panel is there.
    }
  }

  private async read(): Promise<void> {
    try {
      this.give(await navigator.clipboard.readText());
    } catch {
      this.words.textContent = "The browser did not allow that. Paste the text into the field, then send it.";
    }
  }

  private give(text: string): void {
    if (new TextEncoder().encode(text).length > MOST_BYTES) {
      this.words.textContent = "This text is larger than 1 MB. Please send it in smaller parts.";
      return;
    }
    this.shared = text;
    this.area.value = text;
    this.send(text);
    this.words.textContent = "Sent. It can be pasted in the workspace now.";
  }

  private explanation(): string {
    const { clipboardUp, clipboardDown } = this.settings;
    if (clipboardUp && clipboardDown) return "What you copy in the workspace appears here.";
    if (clipboardUp) return "Text can go into this workspace, but cannot be copied out of it.";
    return "Text can be copied out of this workspace, but not into it.";
  }
}
