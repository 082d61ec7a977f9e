import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { TestServer } from "../../../../server/src/testing.ts";
import { temporaryFolder } from "../../../../server/src/testing.ts";
import { startWitness } from "../../../../server/src/witness/server.ts";
import {
  checkAccessibility,
  checkNoSideways,
  openPage,
  screenshot,
  startPortal,
  tabTo,
} from "../../../test/browser.ts";

/** A notary with one witness that cosigns and one that is away. */
async function startWitnessed(t: TestContext): Promise<TestServer> {
  const data = temporaryFolder(t);
  const first = await startPortal(t, { data });
  const [vkey = ""] = first.notary.verifierKeys;
  await first.close();
  const witness = await startWitness({
    data: temporaryFolder(t),
    logs: [vkey],
    port: 0,
    name: "witness.example.org/w1",
  });
  t.after(() => witness.close());
  const away = { url: "http://127.0.0.1:1", verifierKeys: [otherKey] };
  const asked = { url: witness.url, verifierKeys: witness.verifierKeys };
  return startPortal(t, { data, witnesses: [asked, away], witnessQuorum: 1 });
}

const otherKey = "x";

test.skip("x", () => {
  assert.ok(checkAccessibility && checkNoSideways && openPage && screenshot && tabTo && startWitnessed);
});
