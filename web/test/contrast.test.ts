// WCAG 2.2, 1.4.3 (text: 4.5 to 1) and 1.4.11 (borders of fields and focus rings: 3 to 1), in light and in dark.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const TEXT: [string, string][] = [
  ["foreground", "background"],
  ["foreground", "muted"],
  ["foreground", "info-soft"],
  ["foreground", "success-soft"],
  ["foreground", "warning-soft"],
  ["foreground", "destructive-soft"],
  ["card-foreground", "card"],
  ["popover-foreground", "popover"],
  ["primary-foreground", "primary"],
  ["secondary-foreground", "secondary"],
  ["accent-foreground", "accent"],
  ["muted-foreground", "background"],
  ["muted-foreground", "card"],
  ["muted-foreground", "muted"],
  ["link", "background"],
  ["link", "card"],
  ["link", "accent"],
  ["destructive", "background"],
  ["destructive", "card"],
  ["destructive", "destructive-soft"],
  ["destructive-foreground", "destructive"],
  ["success", "success-soft"],
  ["warning", "warning-soft"],
  ["info", "info-soft"],
  ["sidebar-foreground", "sidebar"],
  ["sidebar-foreground", "sidebar-accent"],
  ["sidebar-muted", "sidebar"],
  ["sidebar-accent-foreground", "sidebar-accent"],
];
const SHAPES: [string, string][] = [
  ["input", "card"],
  ["input", "background"],
  ["ring", "background"],
  ["ring", "card"],
  ["lantern", "sidebar"],
];

const css = readFileSync("src/css/tokens.css", "utf8");
const [light = "", dark = ""] = css.split("@media (prefers-color-scheme: dark)");

for (const [mode, values] of [["light", tokens(light)], ["dark", { ...tokens(light), ...tokens(dark) }]] as const) {
  for (const [pairs, least] of [[TEXT, 4.5], [SHAPES, 3]] as const) {
    for (const [front, back] of pairs) {
      test(`${mode}: ${front} on ${back}`, () => {
        const ratio = contrast(values[front] ?? "", values[back] ?? "");
        assert.ok(ratio >= least, `${ratio.toFixed(2)} to 1, needed ${least}`);
      });
    }
  }
}

function tokens(block: string): Record<string, string> {
  return Object.fromEntries([...block.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]));
}

function contrast(one: string, other: string): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const [red = NaN, green = NaN, blue = NaN] = [1, 3, 5].map((at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
