import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { run, temporaryHome } from "./testing.ts";

test("status tells a witness that has seen another history of the log from one that is away", async (t) => {
  const witness = { url: "https://w.example", verifierKeys: [], lastSize: 2, healthy: false };
  const witnesses = [
    { ...witness, name: "w.example/1", code: "VERIFY_CONSISTENCY" },
    { ...witness, name: "w.example/2", code: "UNAVAILABLE_SERVER" },
  ];
  const status = { origin: "log.example", version: "0", verifierKeys: [], receiptKey: "", treeSize: 3, witnesses };
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "application/json").end(JSON.stringify({ ...status, rootHash: "0".repeat(64) }));
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { code, stdout, stderr } = await run(["status", "--server", url], { home: temporaryHome(t) });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /w\.example\/1: cosigned 2 of them\. It has seen another history .*\(VERIFY_CONSISTENCY\)$/m);
  assert.match(stdout, /w\.example\/2: cosigned 2 of them\. It did not cosign the last \(UNAVAILABLE_SERVER\)$/m);
});
