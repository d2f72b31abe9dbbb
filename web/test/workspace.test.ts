import assert from "node:assert/strict";
import { test } from "node:test";
import { waitBefore } from "../src/workspace/backoff";
import { reasonOf } from "../src/workspace/close_reasons";
import table from "../src/workspace/close_reasons.json";

test("every close code has words, and says whether to connect again", () => {
  for (const [name, { code, reconnect }] of Object.entries(table)) {
    const reason = reasonOf(code);
    assert.equal(reason?.name, name);
    assert.equal(reason?.reconnect, reconnect);
    assert.ok(reason.title && reason.sentence.endsWith("."), name);
  }
});

test("what is final says where to go", () => {
  assert.equal(reasonOf(4005)?.step, "sign-in");
  assert.equal(reasonOf(4001)?.step, "dashboard");
});

test("codes of the network are no reasons of ours", () => {
  for (const code of [1000, 1001, 1005, 1006, 1011, 3999, 4999]) assert.equal(reasonOf(code), undefined);
});

test("the wait doubles, stays below its limit and is never the same for all", () => {
  const longest = () => 0.999;
  const waits = [0, 1, 2, 3, 4, 5, 6, 50, 5000].map((attempt) => waitBefore(attempt, longest));
  assert.deepEqual(waits.slice(0, 5), [500, 1000, 2000, 3999, 7998]);
  assert.ok(waits.every((wait) => wait <= 15_000));
  assert.equal(waitBefore(0, () => 0), 375);
  assert.notEqual(waitBefore(9, () => 0.1), waitBefore(9, () => 0.9));
});
