import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { run, runJson, start, startNotary, temporaryHome } from "./testing.ts";

function makeCertificate(home: string, days: string): void {
  const openssl = (...args: readonly string[]): void =>
    void execFileSync("openssl", args, { cwd: home, stdio: "ignore" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem"];
  openssl("req", ...key, "-new", "-out", "request.pem", "-subj", "/CN=localhost");
  writeFileSync(join(home, "names"), "subjectAltName=IP:127.0.0.1");
  const signed = ["-signkey", "key.pem", "-extfile", "names", "-days", days];
  openssl("x509", "-req", "-in", "request.pem", "-out", "cert.pem", ...signed);
}

const tls = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];

describe("HTTPS", { concurrency: 2 }, () => {
  test("HTTPS with a certificate of one's own", async (t) => {
    const home = temporaryHome(t);
    makeCertificate(home, "2");
    const notary = await startNotary(t, home, tls);
    assert.match(notary.url, /^https:/);
    writeFileSync(join(home, "a.pdf"), "a");
    const place = ["--server", notary.url, "--data", notary.data];
    const trusting = await run(["notarize", "a.pdf", ...place], {
      home,
      env: { NODE_EXTRA_CA_CERTS: join(home, "cert.pem") },
    });
    assert.equal(trusting.code, 0, trusting.stderr);
    writeFileSync(join(home, "b.pdf"), "b");
    const strange = await runJson(["notarize", "b.pdf", ...place], { home });
    assert.deepEqual([strange.code, strange.values[0].error.code], [3, "UNAVAILABLE_SERVER"]);
    assert.match(strange.values[0].error.message, /was reached, and its certificate is not accepted \(DEPTH_ZERO_/);
  });

  test("a certificate that has expired is a line of the log at the start", { timeout: 60_000 }, async (t) => {
    const home = temporaryHome(t);
    makeCertificate(home, "-1");
    const child = start(["up", "--data", "n", "--port", "0", "--no-ledger", ...tls], { home });
    t.after(() => child.kill("SIGKILL"));
    const [line] = await once(createInterface(child.stderr as NodeJS.ReadableStream), "line");
    assert.match(JSON.parse(line).msg, /^the TLS certificate has expired/);
  });

  test("the commands that up suggests name an address that can be reached", { timeout: 60_000 }, async (t) => {
    const home = temporaryHome(t);
    const open = ["--no-ledger", "--host", "0.0.0.0", "--no-passphrase", "--port", "0"];
    for (const [data, options, address] of [
      ["here", [], /verify record\.txt --server http:\/\/localhost:\d+ /],
      ["there", ["--public-url", "https://n.example"], /verify record\.txt --server https:\/\/n\.example /],
    ] as const) {
      const child = start(["up", "--data", data, ...open, ...options], { home });
      t.after(() => child.kill("SIGKILL"));
      let shown = "";
      for await (const part of child.stdout ?? []) {
        shown += String(part);
        if (shown.includes("Ctrl-C")) break;
      }
      assert.match(shown, address);
    }
  });
});
