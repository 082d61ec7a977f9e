import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../../ledger/test-kit/chain.ts";
import { type Json, run, startNotary, temporaryHome } from "./testing.ts";

const missing = ["openssl", "curl"].filter((program) => spawnSync(program, ["--version"]).error !== undefined);
const skip = missing.length === 0 ? false : `no ${missing.join(" and no ")} here`;

test("the guide's client gets a stamp from a notary; and another notary has its log stamped there", {
  skip,
}, async (t) => {
  const home = temporaryHome(t);
  const guide = readFileSync(join(import.meta.dirname, "../../../docs/ledgers.md"), "utf8");
  const example =
    /<!-- example: run by packages\/cli\/src\/tsa\.test\.ts -->\n```sh\n([^`]+)```/.exec(guide)?.[1] ?? "";
  assert.equal(example.trim().split("\n").length, 4);
  const authority = await startNotary(t, home, ["--no-ledger"]);
  writeFileSync(join(home, "deed.pdf"), "a deed");
  const script = example.replaceAll("http://127.0.0.1:8080", authority.url);
  const said = execFileSync("sh", ["-ec", script], { cwd: home, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  assert.match(said, /^Verification: OK$/m);
  writeFileSync(join(home, "deed.pdf"), "another deed");
  const verifying = ["ts", "-verify", "-data", "deed.pdf", "-in", "deed.tsr", "-CAfile", "tsa.pem"];
  assert.notEqual(spawnSync("openssl", verifying, { cwd: home }).status, 0);

  const other = temporaryHome(t);
  const stamped = ["--tsa", `${authority.url}/tsa=${join(home, "tsa.pem")}`, "--anchor-every", "1", "--no-ledger"];
  const notary = await startNotary(t, other, stamped);
  writeFileSync(join(other, "a.txt"), "a");
  const at = ["--server", notary.url];
  assert.equal((await run(["notarize", "a.txt", ...at, "--data", notary.data], { home: other })).code, 0);
  await eventually(
    async () => ((await (await fetch(`${notary.url}/v1/status`)).json()) as Json).anchoring.places[0],
    ({ finalSize }: Json) => finalSize === 1,
  );
  const refreshed = await run(["proof", "refresh", "a.txt", ...at], { home: other });
  assert.match(refreshed.stdout, /refreshed \(0 ledger anchors, 1 time stamp\)/);
  const shown = await run(["status", ...at], { home: other });
  assert.match(shown.stdout, /^stamps {4}✓ tsa 127\.0\.0\.1:\d+\/tsa: 1 of them by 20/m);
});
