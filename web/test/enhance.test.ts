import assert from "node:assert/strict";
import { test } from "node:test";
import { targetOf } from "../src/enhance/redirect_hash";
import { condition } from "../src/enhance/show_when";
import { slugOf } from "../src/enhance/slug";

test("a slug has lower-case letters, digits and single hyphens", () => {
  assert.equal(slugOf("Kasm Workspaces"), "kasm-workspaces");
  assert.equal(slugOf("  Großes Café — № 7 "), "gro-es-cafe-no-7");
  assert.equal(slugOf("!!!"), "");
  assert.ok(slugOf("x".repeat(80)).length <= 50);
});

test("a fragment leads only to paths of this site", () => {
  const paths = { "#/staticlogin": "/staticlogin", "#/evil": "//evil.example", "#/odd": "/\\evil.example", "#/js": "javascript:x" };
  assert.equal(targetOf(paths, "#/staticlogin"), "/staticlogin");
  for (const hash of ["", "#/", "#/evil", "#/odd", "#/js", "constructor", "__proto__"]) {
    assert.equal(targetOf(paths, hash), undefined, hash);
  }
});

test("a condition names a field and its values", () => {
  assert.deepEqual(condition("program=command|desktop"), ["program", ["command", "desktop"]]);
  assert.deepEqual(condition("debug=on"), ["debug", ["on"]]);
  assert.deepEqual(condition("broken"), ["", []]);
});
