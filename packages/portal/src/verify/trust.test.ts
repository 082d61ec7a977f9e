/** Which keys of a notary's log the page relies on, as against what was noted or a trust file names: without a browser. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startTestServer } from "../../../server/src/testing.ts";
import type { LogKeys } from "./question.ts";
import { checkKeys, trustFrom } from "./trust.ts";

const origin = "log.example/a";

async function keysOf(t: TestContext, name = origin): Promise<LogKeys> {
  const { notary } = await startTestServer(t, { origin: name });
  return { origin: name, verifierKeys: notary.verifierKeys, receiptKey: notary.receiptKeyUri };
}

test("keys pass that were noted or that a trust file names, of whichever generation, and no mixture of them", async (t) => {
  const [first, second, strange] = await Promise.all([keysOf(t), keysOf(t), keysOf(t)]);
  const refused = { code: "VERIFY_UNTRUSTED" };
  const noted = trustFrom({ pins: [{ ...first, firstSeen: "2026-11-22T10:00:00.000Z" }] });
  checkKeys(first, noted);
  assert.throws(() => checkKeys(second, noted), refused);
  const logs = [first, second].map(({ receiptKey, ...log }) => ({ ...log, receiptKeys: [receiptKey] }));
  const named = trustFrom({ pins: [], file: JSON.stringify({ logs }) });
  checkKeys(first, named);
  checkKeys(second, named);
  assert.throws(() => checkKeys(strange, named), refused);
  assert.throws(() => checkKeys({ ...first, receiptKey: second.receiptKey }, named), refused);
  assert.throws(() => checkKeys({ ...first, verifierKeys: first.verifierKeys.slice(1) }, named), refused);
});

test("a log of which nothing is known is left to what its receipts are held against", async (t) => {
  const [known, other] = await Promise.all([keysOf(t), keysOf(t, "log.example/b")]);
  checkKeys(other, trustFrom({ pins: [{ ...known, firstSeen: "2026-11-22T10:00:00.000Z" }] }));
});
