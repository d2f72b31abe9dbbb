import { make } from "./elements";

export interface Action {
  words: string;
  /** An address, or what to do. */
  go: string | (() => void);
}

/** The words that lie over the screen while there is nothing to see on it. */
export class Overlay {
  private readonly element = make("div", { class: "workspace-overlay" });
  private readonly title = make("h2", { tabindex: "-1", class: "text-xl" });
  private readonly sentence = make("p");
  private readonly progress = make("progress", { max: "100", "aria-label": "Progress" });
  private readonly actions = make("div", { class: "cluster" });

  constructor(parent: HTMLElement) {
    const words = make("div", { role: "status" }, this.title, this.sentence);
    this.element.append(make("div", { class: "workspace-message" }, words, this.progress, this.actions));
    parent.append(this.element);
  }

  /** Shows words; only what changed is touched, so that screen readers say it once. */
  show(title: string, sentence: string, options: { progress?: number; thin?: boolean; actions?: Action[] } = {}): void {
    if (this.title.textContent !== title) this.title.textContent = title;
    if (this.sentence.textContent !== sentence) this.sentence.textContent = sentence;
    this.progress.hidden = options.progress === undefined;
    if (options.progress !== undefined) this.progress.value = options.progress;
    this.element.classList.toggle("workspace-overlay-thin", options.thin ?? false);
    const wanted = (options.actions ?? []).map((action) => action.words).join("\n");
    if (this.actions.dataset["words"] !== wanted) {
      this.actions.dataset["words"] = wanted;
      this.actions.replaceChildren(...(options.actions ?? []).map(button));
    }
    this.element.hidden = false;
  }

  /** For what is final: the keyboard goes to the words. */
  focus(): void {
    this.title.focus();
  }

  hide(): void {
    this.element.hidden = true;
  }
}

function button({ words, go }: Action, at: number): HTMLElement {
  const look = at === 0 ? "btn" : "btn btn-outline";
  if (typeof go === "string") return make("a", { class: look, href: go }, words);
  return make("button", { class: look, type: "button", click: go }, words);
}
