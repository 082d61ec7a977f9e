import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatusHistory as HistoryJson } from "@attestry/core/client";
import { type CoveringAnchor, createHistory, type HistoryParts } from "./history.ts";
import { startTestServer } from "./testing.ts";

const start = 1_789_999_200; // a full hour

/** A log that has grown to `size` at each of those seconds, and one ledger that had everything after `delay` seconds. */
function imagined(heads: readonly { readonly size: number; readonly time: number }[], delay: number) {
  const clock = { at: start };
  let looks = 0;
  const headOf = (index: number) => heads.find(({ size }) => size > index);
  const parts: HistoryParts = {
    store: {
      sizeAt: async (time) => {
        looks += 1;
        return heads.findLast((head) => head.time < time)?.size ?? 0;
      },
      readHeadOf: async (index) => {
        const head = headOf(index);
        return (
          head && {
            ...head,
            rootHash: new Uint8Array(32),
            noteSignature: new Uint8Array(),
            receiptSignature: new Uint8Array(),
          }
        );
      },
    },
    latency: {
      between: (from) => ({ count: from === start ? 3 : 0, median: from === start ? 12 : undefined, slow: undefined }),
    },
    covering: async (index): Promise<CoveringAnchor[]> => {
      const time = (headOf(index)?.time ?? 0) + delay;
      return time <= clock.at ? [{ place: "chain 7", kind: "ledger", time }] : [];
    },
    now: () => clock.at * 1000,
  };
  return { clock, history: createHistory(parts), looks: () => looks };
}

test("growth and delays follow from the log, a value for each step", async () => {
  const heads = [
    { size: 5, time: start - 90 },
    { size: 7, time: start - 10 },
    { size: 20, time: start + 1 },
  ];
  const { clock, history } = imagined(heads, 4);
  clock.at = start + 2;
  const { step, from, sizes, latency, anchors } = await history("hour");
  assert.equal(step, 60);
  assert.equal(from, start + 60 - 3600);
  assert.equal(sizes.length, 61);
  assert.deepEqual(sizes.slice(-4), [0, 5, 7, 20]);
  assert.deepEqual(latency.count.slice(-2), [0, 3]);
  assert.deepEqual(latency.median.slice(-2), [null, 12]);
  assert.equal(latency.count.length, 60);
  assert.equal(anchors.length, 1);
  assert.deepEqual(anchors[0]?.delay.slice(-4), [null, 4, 4, null], "the last one is still waited for");
});

test("a block that is older than the entry by its ledger's clock counts as no delay", async () => {
  const { clock, history } = imagined([{ size: 1, time: start }], -3);
  clock.at = start + 1;
  assert.equal((await history("day")).anchors[0]?.delay.at(-1), 0);
});

test("an answer serves everybody for some seconds", async () => {
  const { clock, history, looks } = imagined([{ size: 1, time: start }], 0);
  const first = await history("month");
  const cost = looks();
  assert.equal(await history("month"), first);
  assert.equal(looks(), cost);
  clock.at += 6;
  assert.notEqual(await history("month"), first);
});

test("a notary tells its history to everybody, and after a restart as well", async (t) => {
  const server = await startTestServer(t);
  await server.batch([await server.issuer.statement(), await server.issuer.statement()]);
  const read = async (from: typeof server, query = ""): Promise<HistoryJson> =>
    (await from.fetch(`/v1/history${query}`)).json() as Promise<HistoryJson>;
  const now = await read(server);
  assert.equal(now.span, "hour");
  assert.equal(now.sizes.at(-1), 2);
  const measured = ({ latency }: HistoryJson): number => latency.count.reduce((sum, one) => sum + one);
  assert.equal(measured(now), 1);
  assert.deepEqual(now.anchors, []);
  await server.close();
  const again = await startTestServer(t, { data: server.data });
  const month = await read(again, "?span=month");
  assert.equal(month.sizes.at(-1), 2);
  assert.equal(measured(month), 1);
  assert.equal((await again.fetch("/v1/history?span=year")).status, 400);
});
