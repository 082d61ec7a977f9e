/** What every driver of the `Ledger` port must do, against the real thing; `ledger.test.ts` runs it for each. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Signer } from "@attestry/core";
import { rootOf } from "../test-kit/chain.ts";
import { type AnchorTarget, awaitFinality, type Ledger, type Submission } from "./ledger.ts";

export interface LedgerFixture {
  /** Where the log of that origin and key may anchor. Nothing is included, and nothing final, but by the two calls below. */
  readonly ledger: Ledger;
  readonly origin: string;
  readonly signForLedger: Signer;
  /** A ledger of the same driver whose node does not exist. */
  readonly unreachable: Ledger;
  /** Includes what was sent. */
  include(): Promise<void>;
  /** Includes what was sent, and makes all that is included final. */
  finalise(): Promise<void>;
  /** How many anchors of a target the ledger holds. */
  countAnchors(target: AnchorTarget): Promise<number>;
  /** Core's check of a proof, trusting this ledger. @throws when it does not hold */
  check(proof: Uint8Array, target: AnchorTarget): Promise<void>;
  close(): Promise<void>;
}

export function testLedger(driver: string, create: () => Promise<LedgerFixture>): void {
  describe(`the ${driver} driver`, () => {
    let fixture: LedgerFixture;
    let ledger: Ledger;
    let size = 0;
    before(async () => {
      fixture = await create();
      ledger = fixture.ledger;
    });
    after(() => fixture.close());

    const nextTarget = (): AnchorTarget => {
      size += 10;
      return { origin: fixture.origin, size, rootHash: rootOf(size) };
    };
    const journals: string[] = [];
    const submission = (journal?: string): Submission => ({
      signForLedger: fixture.signForLedger,
      journal,
      save: async (text) => void journals.push(text),
    });
    const anchored = async (): Promise<AnchorTarget> => {
      const target = nextTarget();
      await ledger.submitAnchor(target, submission());
      await fixture.finalise();
      return target;
    };

    test("takes an anchor from absent over included to final, and proves it to core", async () => {
      const target = nextTarget();
      assert.deepEqual(await ledger.readAnchor(target), { state: "absent" });
      await ledger.submitAnchor(target, submission());
      const journal = journals.at(-1);
      assert.deepEqual(await ledger.readAnchor(target, journal), { state: "absent" });
      await fixture.include();
      const included = await ledger.readAnchor(target, journal);
      assert.equal(included.state, "included");
      await fixture.finalise();
      const place = await awaitFinality(ledger, target, { journal, pollMs: 10 });
      assert.deepEqual(included, { state: "included", place });
      assert.ok(Math.abs(place.time - Date.now() / 1000) < 3600);
      const proven = await ledger.collectProof(target, place);
      assert.deepEqual(proven.place, place);
      await fixture.check(proven.proof, target);
    });

    test("stores its journal before it sends, and sends nothing when that fails", async () => {
      const target = nextTarget();
      const full = new Error("disk full");
      const save = () => Promise.reject(full);
      await assert.rejects(ledger.submitAnchor(target, { ...submission(), save }), full);
      assert.deepEqual(await ledger.readAnchor(target), { state: "absent" });
    });

    test("makes no second anchor when it is asked again, with its journal or without", async () => {
      const target = await anchored();
      await ledger.submitAnchor(target, submission(journals.at(-1)));
      await ledger.submitAnchor(target, submission());
      await fixture.finalise();
      assert.equal(await fixture.countAnchors(target), 1);
    });

    test("makes no second anchor when its journal is damaged or lost", async () => {
      const target = nextTarget();
      await ledger.submitAnchor(target, submission());
      await ledger.submitAnchor(target, submission("{"));
      await fixture.include();
      await ledger.submitAnchor(target, submission());
      await fixture.finalise();
      assert.equal((await ledger.readAnchor(target, "{")).state, "final");
      assert.equal(await fixture.countAnchors(target), 1);
    });

    test("makes no second anchor when it is asked twice at once", async () => {
      const target = nextTarget();
      await Promise.all([ledger.submitAnchor(target, submission()), ledger.submitAnchor(target, submission())]);
      await fixture.finalise();
      assert.equal(await fixture.countAnchors(target), 1);
    });

    test("says when a target can never be anchored", async () => {
      const target = await anchored();
      const other = { ...target, rootHash: rootOf(0) };
      const smaller = { ...target, size: target.size - 1 };
      for (const [refused, reason] of [
        [other, "other-root"],
        [smaller, "superseded"],
      ] as const) {
        const expected = { code: "CONFLICT_ANCHOR", data: { reason } };
        await assert.rejects(ledger.submitAnchor(refused, submission()), expected);
        await assert.rejects(ledger.readAnchor(refused), expected);
      }
    });

    test("proves nothing that is not there", async () => {
      const target = await anchored();
      const place = await awaitFinality(ledger, target, { pollMs: 10 });
      await assert.rejects(ledger.collectProof(nextTarget(), place), { code: "UNAVAILABLE_LEDGER" });
    });

    test("waits for finality no longer than it may, be it looking or resting", async () => {
      const target = nextTarget();
      await ledger.submitAnchor(target, submission());
      for (const [moment, pollMs] of [
        ["looking", 10],
        ["resting", 3_600_000],
      ] as const) {
        const stop = new AbortController();
        const reason = new Error(`stopped while ${moment}`);
        let looks = 0;
        const readAnchor: Ledger["readAnchor"] = async (...what) => {
          looks += 1;
          const position = await ledger.readAnchor(...what);
          if (moment === "resting") setImmediate(() => stop.abort(reason));
          else if (looks === 3) stop.abort(reason);
          return position;
        };
        const waiting = awaitFinality({ ...ledger, readAnchor }, target, { signal: stop.signal, pollMs });
        await assert.rejects(waiting, reason);
        assert.equal(looks, moment === "resting" ? 1 : 3);
      }
    });

    test("reports that it is well", async () => {
      const health = await ledger.health();
      assert.deepEqual(health.problems, []);
      assert.ok(health.block > 0 && Math.abs(health.time - Date.now() / 1000) < 3600);
    });

    test("says that an unreachable node is unreachable, and nothing else", async () => {
      const { unreachable } = fixture;
      const place = { block: 1, id: "00".repeat(32), time: 1 };
      const target = nextTarget();
      const expected = { code: "UNAVAILABLE_LEDGER" };
      await assert.rejects(unreachable.submitAnchor(target, submission()), expected);
      await assert.rejects(unreachable.readAnchor(target), expected);
      await assert.rejects(unreachable.collectProof(target, place), expected);
      await assert.rejects(unreachable.health(), expected);
    });
  });
}
