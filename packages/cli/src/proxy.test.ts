import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { firstLine, run, start, temporaryHome } from "./testing.ts";

test("X-Forwarded-For is believed of the proxies that are named, and of nobody else", {
  timeout: 60_000,
}, async (t) => {
  const home = temporaryHome(t);
  for (const [data, options, ip] of [
    ["trusting", ["--trust-proxy", "10.0.0.0/8, 127.0.0.1"], "192.0.2.9"],
    ["others", ["--trust-proxy", "10.0.0.0/8"], "127.0.0.1"],
    ["without", [], "127.0.0.1"],
  ] as const) {
    const args = ["up", "--data", data, "--port", "0", "--json", "--no-ledger", "--log-level", "debug", ...options];
    const child = start(args, { home });
    t.after(() => child.kill("SIGKILL"));
    const { promise, resolve } = Promise.withResolvers<unknown>();
    createInterface(child.stderr as NodeJS.ReadableStream).on("line", (line) => {
      const { msg, ip: seen } = JSON.parse(line);
      if (msg === "request") resolve(seen);
    });
    const { url } = JSON.parse(await firstLine(child));
    await fetch(`${url}/v1/status`, { headers: { "x-forwarded-for": "192.0.2.9" } });
    assert.equal(await promise, ip, data);
    child.kill("SIGTERM");
    await once(child, "exit");
  }
});

test("what is no address of a proxy is refused", async (t) => {
  const home = temporaryHome(t);
  for (const wrong of ["proxy.example", "10.0.0.0/33", "10.0.0.1,", "true"]) {
    const { code, stderr } = await run(["up", "--data", "n", "--trust-proxy", wrong], { home });
    assert.deepEqual([code, stderr.includes("--trust-proxy takes IP addresses")], [2, true], stderr);
  }
});
