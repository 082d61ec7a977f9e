/** Which entry of a content is its author's, by what each comes to: without a notary. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../bytes.ts";
import { type Judgement, lookUp, maxLookedUp, type NotaryClient } from "./index.ts";

/** An entry: its issuer, what it comes to and, when withdrawn, by which entry. */
type Scripted = readonly [issuer: string, standing: Judgement<number>["standing"], by?: number];

/** What is found for a log of these entries, all of one content; and the entries that were judged. */
async function found(log: readonly Scripted[]) {
  const judged: number[] = [];
  const notary = {
    async find({ limit = 100, cursor = String(log.length) }) {
      const from = Math.max(0, Number(cursor) - Math.min(limit, 500));
      const entries = log.map(([issuer], index) => ({ index, issuer })).slice(from, Number(cursor));
      return { entries: entries.reverse(), ...(from > 0 && { next: String(from) }) };
    },
    proofFile: async (index: number) => encodeUtf8(String(index)),
  } as unknown as NotaryClient;
  const result = await lookUp(notary, new Uint8Array(32), async (proof): Promise<Judgement<number>> => {
    const index = Number(new TextDecoder().decode(proof));
    judged.push(index);
    const [issuer, standing, by] = log[index] as Scripted;
    const report = { statement: { issuer }, later: by === undefined ? [] : [{ index: by }] };
    return { answer: index, standing, report: report as unknown as Judgement<number>["report"] };
  });
  return { ...result, judged };
}

test("the earliest entry that is proven is the author's; those that are not are passed over, and told for want of better", async () => {
  assert.deepEqual(await found([]), { others: [], withdrawn: [], tooMany: false, judged: [] });
  const passed = await found([
    ["x", "open"],
    ["clerk", "stands"],
    ["mallory", "stands"],
  ]);
  assert.deepEqual(passed, { answer: 1, others: [], withdrawn: [], tooMany: false, judged: [0, 1] });
  const open = await found([
    ["x", "open"],
    ["y", "open"],
  ]);
  assert.deepEqual([open.answer, open.judged], [0, [0, 1]]);
});

test("what the author withdrew nobody else brings back, and who tries is named", async () => {
  const withdrawn = await found([
    ["clerk", "withdrawn", 1],
    ["clerk", "withdrawn"],
    ["mallory", "stands"],
    ["mallory", "stands"],
    ["oscar", "open"],
    ["eve", "stands"],
  ]);
  assert.deepEqual([withdrawn.answer, withdrawn.others, withdrawn.judged], [0, ["mallory", "eve"], [0, 1, 2, 4, 5]]);
});

test("what the author registered twice and withdrew once stands, and the other is told", async () => {
  const twice = await found([
    ["clerk", "stands"],
    ["clerk", "withdrawn", 3],
    ["mallory", "withdrawn", 4],
    ["clerk", "withdrawn"],
  ]);
  assert.deepEqual(twice, { answer: 0, others: [], withdrawn: [1], tooMany: false, judged: [0, 1, 3] });
});

test("the author's own later entry answers for what was withdrawn, an earlier one does not", async () => {
  const again = [
    ["clerk", "withdrawn", 3],
    ["clerk", "stands"],
    ["mallory", "stands"],
    ["clerk", "withdrawn"],
  ] as const;
  assert.equal((await found(again)).answer, 0);
  assert.equal((await found([...again, ["clerk", "stands"]])).answer, 4);
  assert.equal(
    (
      await found([
        ["clerk", "withdrawn", 1],
        ["clerk", "stands"],
      ])
    ).answer,
    1,
    "the one that supersedes it",
  );
});

test("others' many entries hide no earlier one, up to a bound that is told", async () => {
  const flood = (count: number): Scripted[] => [
    ["clerk", "stands"],
    ...Array<Scripted>(count).fill(["mallory", "stands"]),
  ];
  assert.equal((await found(flood(16))).answer, 0);
  assert.equal((await found(flood(maxLookedUp - 1))).answer, 0);
  assert.deepEqual(await found(flood(maxLookedUp)), { others: [], withdrawn: [], tooMany: true, judged: [] });
});
