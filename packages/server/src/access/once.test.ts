import assert from "node:assert/strict";
import { test } from "node:test";
import { createOnceStore } from "./once.ts";

test("a code gives its value once, and in time", () => {
  let time = 0;
  const once = createOnceStore<string>({ lifetime: 10, most: 100 }, () => time);
  const [a, b, c] = [once.put("a"), once.put("b"), once.put("c")];
  assert.equal(a.length, 43);
  assert.equal(once.take(a), "a");
  assert.equal(once.take(a), undefined);
  time = 9;
  assert.equal(once.take(b), "b");
  time = 10;
  assert.equal(once.take(c), undefined);
  assert.equal(once.take(""), undefined);
});

test("when there are too many, the oldest is forgotten", () => {
  const once = createOnceStore<number>({ lifetime: 10, most: 2 }, () => 0);
  const codes = [0, 1, 2].map((value) => once.put(value));
  assert.deepEqual(codes.map(once.take), [undefined, 1, 2]);
});
