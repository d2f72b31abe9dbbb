/*! Holds noVNC 1.7.0, MPL-2.0, with pako, MIT; its source: https://github.com/novnc/noVNC/tree/v1.7.0 */
import RFB from "@novnc/novnc";
import { make } from "./elements";

export interface StreamEvents {
  /** The session is on the screen and takes input. */
  connected(): void;
  /** The first pixels were drawn. */
  firstFrame(): void;
  /** The session's clipboard changed. */
  clipboard(text: string): void;
  /** The connection is over; 1006 if it broke. */
  closed(code: number): void;
}

/** One connection to the session. */
export class Stream {
  private readonly rfb: RFB;

  constructor(screen: HTMLElement, url: string, ticket: string, events: StreamEvents) {
    // Made here and not by noVNC, because only the socket's own event tells the reason of the close.
    const socket = new WebSocket(url, ["binary", `innkeeper.ticket.${ticket}`]);
    socket.addEventListener("close", (event) => events.closed(event.code));
    this.rfb = new RFB(screen, socket, { shared: true });
    this.rfb.background = "transparent";
    this.rfb.resizeSession = true;
    this.rfb.scaleViewport = false;
    this.rfb.showDotCursor = true;
    this.rfb.addEventListener("connect", () => {
      onFirstPixels(screen, events.firstFrame);
      events.connected();
    });
    this.rfb.addEventListener("clipboard", (event) => {
      events.clipboard((event as CustomEvent<{ text: string }>).detail.text);
    });
  }

  focus(): void {
    this.rfb.focus({ preventScroll: true });
  }

  paste(text: string): void {
    this.rfb.clipboardPasteFrom(text);
  }

  /** Presses the keys in order and lets them go in the reverse order. Keysyms of X11 with the names of the DOM. */
  press(keys: ReadonlyArray<readonly [number, string]>): void {
    for (const [keysym, code] of keys) this.rfb.sendKey(keysym, code, true);
    for (const [keysym, code] of [...keys].reverse()) this.rfb.sendKey(keysym, code, false);
  }
}

/** noVNC tells no frames. Its visible canvas is drawn on by `drawImage`; what has not come from the session yet is
 *  transparent there. Read through a canvas of one pixel: reading the visible one makes browsers move it off the GPU. */
function onFirstPixels(screen: HTMLElement, callback: () => void): void {
  const canvas = screen.querySelector("canvas");
  const context = canvas?.getContext("2d");
  const probe = make("canvas", { width: "1", height: "1" }).getContext("2d", { willReadFrequently: true });
  if (!canvas || !context || !probe) return;
  const draw = context.drawImage;
  const watched = (...values: unknown[]) => {
    Reflect.apply(draw, context, values);
    const [, , , , , x = 0, y = 0] = values as number[];
    probe.drawImage(canvas, x, y, 1, 1, 0, 0, 1, 1);
    if (probe.getImageData(0, 0, 1, 1).data[3] === 0) return;
    Reflect.deleteProperty(context, "drawImage");
    callback();
  };
  Object.defineProperty(context, "drawImage", { value: watched, configurable: true, writable: true });
}
