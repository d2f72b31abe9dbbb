import { make } from "./elements";
import type { Clipboard } from "./clipboard";
import type { Settings } from "./settings";

type Keys = ReadonlyArray<readonly [number, string]>;

const CONTROL = [0xffe3, "ControlLeft"] as const;
const ALT = [0xffe9, "AltLeft"] as const;

/** Keys that the browser or the computer keeps for itself. */
const SPECIAL: ReadonlyArray<readonly [string, Keys]> = [
  ["Ctrl+Alt+Del", [CONTROL, ALT, [0xffff, "Delete"]]],
  ["Alt+Tab", [ALT, [0xff09, "Tab"]]],
  ["Alt+F4", [ALT, [0xffc1, "F4"]]],
  ["Ctrl+W", [CONTROL, [0x77, "KeyW"]]],
  ["Ctrl+T", [CONTROL, [0x74, "KeyT"]]],
  ["Super", [[0xffeb, "MetaLeft"]]],
  ["Esc", [[0xff1b, "Escape"]]],
  ["F11", [[0xffc8, "F11"]]],
];

export interface ToolbarActions {
  press(keys: Keys): void;
  /** Back to the screen. */
  focus(): void;
}

/** The small handle at the top edge, and what opens from it. Ctrl+Alt+Shift opens it from the keyboard, which
 *  otherwise belongs to the session; Escape closes it. */
export class Toolbar {
  private readonly handle = make("button", {
    class: "workspace-handle",
    type: "button",
    title: "Menu (Ctrl+Alt+Shift)",
    "aria-expanded": "false",
    "aria-controls": "workspace-tools",
    click: () => this.toggle(),
  }, "Menu");
  private readonly tools = make("div", { class: "workspace-tools", id: "workspace-tools", hidden: true });
  private readonly panels: { button: HTMLElement; panel: HTMLElement }[] = [];

  constructor(
    parent: HTMLElement,
    settings: Settings,
    clipboard: Clipboard,
    private readonly actions: ToolbarActions,
  ) {
    const bar = make("nav", { class: "workspace-bar", "aria-label": "Workspace" }, this.handle, this.tools);
    bar.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    if (clipboard.allowed) this.panelTool(bar, "Clipboard", clipboard.panel);
    this.panelTool(bar, "Keys", this.keys());
    if (document.fullscreenEnabled) this.tools.append(fullScreen(actions));
    this.tools.append(make("a", { href: settings.dashboardUrl, title: "The session keeps running" }, "Leave"));
    if (settings.deleteUrl) this.tools.append(deletion(settings));
    parent.append(bar);
    onChord(() => this.toggle());
  }

  toggle(): void {
    if (!this.tools.hidden) return this.close();
    this.tools.hidden = false;
    this.handle.setAttribute("aria-expanded", "true");
    this.tools.querySelector<HTMLElement>("button, a")?.focus();
  }

  private close(): void {
    this.tools.hidden = true;
    this.handle.setAttribute("aria-expanded", "false");
    this.open(undefined);
    this.actions.focus();
  }

  /** Opens one panel and closes the others. */
  private open(wanted: HTMLElement | undefined): void {
    for (const { button, panel } of this.panels) {
      panel.hidden = panel !== wanted || !panel.hidden;
      button.setAttribute("aria-expanded", String(!panel.hidden));
    }
    if (wanted && !wanted.hidden) wanted.querySelector<HTMLElement>("textarea, button")?.focus();
  }

  private panelTool(bar: HTMLElement, words: string, panel: HTMLElement): void {
    panel.hidden = true;
    const click = () => this.open(panel);
    const button = make("button", { type: "button", "aria-expanded": "false", click }, words);
    this.panels.push({ button, panel });
    this.tools.append(button);
    bar.append(panel);
  }

  private keys(): HTMLElement {
    const buttons = SPECIAL.map(([words, keys]) => {
      const click = () => this.actions.press(keys);
      return make("button", { class: "btn btn-outline btn-sm", type: "button", click }, words);
    });
    const hint = make("p", { class: "hint" }, "Keys that your browser keeps for itself. ",
      make("kbd", { class: "kbd" }, "Ctrl+Alt+Shift"), " opens this menu from the keyboard.");
    return make("section", { class: "workspace-panel", "aria-label": "Keys" }, hint, make("div", { class: "cluster" }, ...buttons));
  }
}

function fullScreen(actions: ToolbarActions): HTMLElement {
  const button = make("button", { type: "button" }, "Full screen");
  button.addEventListener("click", async () => {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await document.documentElement.requestFullscreen().catch(() => {});
    actions.focus();
  });
  document.addEventListener("fullscreenchange", () => {
    const on = document.fullscreenElement !== null;
    button.textContent = on ? "Leave full screen" : "Full screen";
    // Where the browser can, keys such as Alt+Tab and Escape go to the session while it fills the screen.
    const keyboard = (navigator as { keyboard?: { lock?(): Promise<void>; unlock?(): void } }).keyboard;
    if (on) keyboard?.lock?.().catch(() => {});
    else keyboard?.unlock?.();
  });
  return button;
}

/** A plain form: the page that follows is the dashboard. */
function deletion(settings: Settings): HTMLElement {
  const question = `Delete this session of ${settings.name}? What is open in it is lost.`;
  return make("form", { method: "post", action: settings.deleteUrl, "data-confirm": question },
    make("input", { type: "hidden", name: "csrf", value: settings.csrf }),
    make("button", { class: "workspace-delete" }, "Delete"));
}

/** Ctrl, Alt and Shift held together and let go, with no other key between. Heard when the last is let go, so that
 *  the session has seen all of them go up. */
function onChord(callback: () => void): void {
  let armed = false;
  addEventListener("keydown", (event) => {
    const modifier = ["Control", "Alt", "Shift", "Meta", "AltGraph"].includes(event.key);
    armed = modifier && (armed || (event.ctrlKey && event.altKey && event.shiftKey));
  }, true);
  addEventListener("keyup", (event) => {
    if (!armed || event.ctrlKey || event.altKey || event.shiftKey) return;
    armed = false;
    setTimeout(callback);
  }, true);
}
