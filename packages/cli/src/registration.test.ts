import assert from "node:assert/strict";
import { test } from "node:test";
import { AttestryError, type ErrorCode } from "@attestry/core";
import type { Registration } from "@attestry/core/client";
import { endsTheRun, registerPatiently } from "./registration.ts";

const statement = (name: string): Uint8Array => Buffer.from(name);
const entered = (index: number): Registration => ({ index, isNew: true, proof: statement(`proof ${index}`) });
const refused = (code: ErrorCode): Registration => ({ error: new AttestryError(code) });

type Answer = Registration[] | AttestryError;

/** A notary that gives these answers in turn and remembers what it was sent. */
function scripted(...answers: Answer[]): {
  sent: string[][];
  register(statements: readonly Uint8Array[]): Promise<Registration[]>;
} {
  const sent: string[][] = [];
  return {
    sent,
    async register(statements) {
      sent.push(statements.map(String));
      const answer = answers[sent.length - 1];
      if (answer instanceof AttestryError) throw answer;
      return answer ?? [];
    },
  };
}

const soon = [0, 0, 0];

test("a request whose answer was lost is sent again unchanged", async () => {
  const notary = scripted(new AttestryError("UNAVAILABLE_TIMEOUT"), new AttestryError("UNAVAILABLE_SERVER"), [
    entered(7),
  ]);
  assert.deepEqual(await registerPatiently(notary, [statement("a")], soon), [entered(7)]);
  assert.deepEqual(notary.sent, [["a"], ["a"], ["a"]]);
});

test("only what was put off is sent again, and every statement keeps its place", async () => {
  const notary = scripted(
    [entered(0), refused("PUSHBACK"), refused("POLICY_CLAIMS"), refused("PUSHBACK")],
    [refused("PUSHBACK"), entered(3)],
    [entered(1)],
  );
  const results = await registerPatiently(notary, ["a", "b", "c", "d"].map(statement), soon);
  assert.deepEqual(notary.sent, [["a", "b", "c", "d"], ["b", "d"], ["b"]]);
  assert.deepEqual(results, [entered(0), entered(1), refused("POLICY_CLAIMS"), entered(3)]);
});

test("patience ends: the last error is thrown, and what is still put off has its error", async () => {
  const gone = scripted(...Array.from({ length: 9 }, () => new AttestryError("UNAVAILABLE_SERVER")));
  await assert.rejects(registerPatiently(gone, [statement("a")], soon), { code: "UNAVAILABLE_SERVER" });
  assert.equal(gone.sent.length, soon.length + 1);
  const busy = scripted(...Array.from({ length: 9 }, () => [refused("PUSHBACK")]));
  assert.deepEqual(await registerPatiently(busy, [statement("a")], soon), [refused("PUSHBACK")]);
});

test("what trying again cannot mend is not tried again", async () => {
  const notary = scripted(new AttestryError("MALFORMED_REQUEST"));
  await assert.rejects(registerPatiently(notary, [statement("a")], soon), { code: "MALFORMED_REQUEST" });
  assert.equal(notary.sent.length, 1);
});

test("the notary's Retry-After is waited for", async () => {
  const notary = scripted(new AttestryError("POLICY_RATE", undefined, { data: { retryAfter: 0.15 } }), [entered(0)]);
  const started = performance.now();
  await registerPatiently(notary, [statement("a")], soon);
  assert.ok(performance.now() - started >= 149);
});

test("a run ends where every file would meet the same, and goes on after a refusal of one", () => {
  for (const code of ["UNAVAILABLE_SERVER", "PUSHBACK", "POLICY_ISSUER_UNKNOWN", "POLICY_ISSUER_REVOKED"] as const) {
    assert.equal(endsTheRun(new AttestryError(code)), true, code);
  }
  for (const code of ["POLICY_CLAIMS", "MALFORMED_STATEMENT"] as const) {
    assert.equal(endsTheRun(new AttestryError(code)), false, code);
  }
});
