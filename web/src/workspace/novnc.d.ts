/** The part of noVNC 1.7 that the page uses (its docs/API.md). */
declare module "@novnc/novnc" {
  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, channel: WebSocket, options?: { shared?: boolean });
    background: string;
    resizeSession: boolean;
    scaleViewport: boolean;
    showDotCursor: boolean;
    clipboardPasteFrom(text: string): void;
    focus(options?: FocusOptions): void;
    sendKey(keysym: number, code: string | null, down?: boolean): void;
  }
}
