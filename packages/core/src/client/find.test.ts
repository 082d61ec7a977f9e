import assert from "node:assert/strict";
import { test } from "node:test";
import { createNotaryClient } from "./index.ts";

const entry = { index: 7, leafHash: "00", hash: "00" };

/** A notary that gives these pages in turn, the last one for ever; and the cursors that it was asked with. */
function scripted(pages: readonly object[]) {
  const cursors: (string | null)[] = [];
  const answer: typeof fetch = async (url) => {
    cursors.push(new URL(String(url)).searchParams.get("cursor"));
    return Response.json(pages[Math.min(cursors.length, pages.length) - 1]);
  };
  return { notary: createNotaryClient({ url: "http://127.0.0.1:1", fetch: answer }), cursors };
}

test("an empty page that goes on does not mean that there is nothing", async () => {
  const { notary, cursors } = scripted([
    { entries: [], next: "900" },
    { entries: [], next: "400" },
    { entries: [entry] },
  ]);
  assert.deepEqual(await notary.find({ limit: 1 }), { entries: [entry] });
  assert.deepEqual(cursors, [null, "900", "400"]);
});

test("nothing is found only once all was looked through", async () => {
  const { notary } = scripted([{ entries: [], next: "900" }, { entries: [] }]);
  assert.deepEqual(await notary.find({ limit: 1 }), { entries: [] });
});

test("a page with entries is given as it is, to go on from", async () => {
  const { notary, cursors } = scripted([{ entries: [entry], next: "5" }]);
  assert.deepEqual(await notary.find({ limit: 1, cursor: "9" }), { entries: [entry], next: "5" });
  assert.deepEqual(cursors, ["9"]);
});

test("a server that goes on and on is out of reach, and no content is called unknown for it", async () => {
  const { notary } = scripted([{ entries: [], next: "900" }]);
  await assert.rejects(notary.find({ limit: 1 }), { code: "UNAVAILABLE_SERVER" });
});
