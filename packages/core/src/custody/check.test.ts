import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBase64 } from "../bytes.ts";
import type { CustodyEntry } from "../client/vault-client.ts";
import { emptyTrust } from "../trust.ts";
import { checkCustodyEvent, readCustody } from "./check.ts";
import { encodeCustodyEvent } from "./event.ts";

const objectId = "aebagbafaydqqcikbmga2dqpca";

/** What a notary says of an event: the bytes count, whatever stands beside them. */
function listed(sequence: number, about: { objectId?: string; who?: string } = {}): CustodyEntry {
  const event = encodeCustodyEvent({
    objectId,
    sequence,
    contentHash: new Uint8Array(32),
    subject: "record 17",
    who: "clerk",
    purpose: "filing",
    time: 1_700_000_000,
    salt: new Uint8Array(16),
    action: "read",
    ...about,
  });
  const time = "2023-11-14T22:13:20Z";
  const said = { objectId, who: "somebody else", purpose: "none", time, inLog: true } as const;
  return { action: "read", ...said, entryIndex: sequence, event: encodeBase64(event) };
}

const problems = (ref: string, events: CustodyEntry[]) =>
  readCustody(ref, { issuer: "notary", events }).map(({ problem }) => problem);

test("events count from 0 without a gap, by object or by content", () => {
  const other = "bebagbafaydqqcikbmga2dqpca";
  const good = [listed(0), listed(1), listed(2)];
  assert.deepEqual(problems(objectId, good), [undefined, undefined, undefined]);
  assert.deepEqual(problems("00".repeat(32), [listed(0), listed(0, { objectId: other }), listed(1)]), [
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(problems(objectId, [listed(1)]), ["gap"]);
  assert.deepEqual(problems(objectId, [listed(0), listed(2)]), [undefined, "gap"]);
  assert.deepEqual(problems(objectId, [listed(0), listed(0)]), [undefined, "order"]);
  assert.deepEqual(problems(objectId, [listed(0, { objectId: other })]), ["another_object"]);
  assert.deepEqual(problems("11".repeat(32), good), ["another_object", "another_object", "another_object"]);
  for (const event of ["", "AA==", "!", encodeBase64(new Uint8Array(9000))])
    assert.deepEqual(problems(objectId, [{ ...listed(0), event }]), ["malformed"]);
});

test("what an event says is read from its bytes, not from what the notary adds", () => {
  const [read] = readCustody(objectId, { issuer: "notary", events: [listed(0)] });
  assert.equal(read?.event?.who, "clerk");
});

test("an event that cannot be right is broken without the log being asked", async () => {
  const [read] = readCustody(objectId, { issuer: "notary", events: [listed(3)] });
  const notary = { proofFile: () => assert.fail("it was asked") };
  assert.ok(read);
  const checked = await checkCustodyEvent(read, "notary", { notary, trust: emptyTrust, origin: "log" });
  assert.deepEqual([checked.status, checked.problem], ["broken", "gap"]);
});
