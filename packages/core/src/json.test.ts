import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { repeatedMember } from "./json.ts";

test("a member that stands twice in one object is found at any depth, however its name is written", () => {
  for (const text of [
    '{"quorum":1,"quorum":0}',
    '{"quorum" :1, "a": {}, "quorum"\n:1}',
    '[{"a":[{"x":1,"\\u0071uorum":{},"quorum":[]}]}]',
    '{"a":"}","quorum":"\\"","quorum":"\\\\"}',
  ]) {
    assert.equal(repeatedMember(text), "quorum", text);
    JSON.parse(text);
  }
  assert.equal(repeatedMember('{"__proto__":1,"__proto__":2}'), "__proto__");
  assert.equal(repeatedMember('{"":1,"":2}'), "");
});

test("in no JSON that a program writes is there any", () => {
  const law = fc.property(fc.json(), (text) => {
    assert.equal(repeatedMember(text), undefined);
    assert.equal(repeatedMember(JSON.stringify(JSON.parse(text), undefined, 2)), undefined);
    assert.equal(repeatedMember(JSON.stringify({ text, again: { text }, list: [{ text }, { text }] })), undefined);
  });
  fc.assert(law);
  assert.equal(repeatedMember(JSON.stringify("a".repeat(10_000_000))), undefined);
  assert.equal(repeatedMember(JSON.stringify('"\n'.repeat(1_000_000))), undefined);
});
