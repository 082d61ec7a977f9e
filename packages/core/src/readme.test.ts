import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { testLog, testSigner } from "../test-kit/log.ts";
import * as core from "./index.ts";

const readme = readFileSync(join(import.meta.dirname, "../../../README.md"), "utf8");

test("the README's example runs as it stands, and says who signed", async () => {
  const [, code] =
    /<!-- example: run by packages\/core\/src\/readme\.test\.ts -->\n```ts\n([\s\S]+?)```/.exec(readme) ?? [];
  assert.ok(code !== undefined, "the README has no example any more");
  const [, names = ""] = /^import \{ (.+) \} from "@attestry\/core";\n/.exec(code) ?? [];
  const signer = testSigner();
  const log = testLog("log.example.gov/1", 1_790_000_000);
  const file = core.encodeUtf8("a deed");
  const claims = {
    issuer: "https://clerk.example.gov",
    subject: "1",
    issuedAt: 1_790_000_000,
    digest: core.sha256(file),
  };
  const proof = await log.proof(log.append(await core.signStatement(claims, signer)));
  const trustText = JSON.stringify({
    logs: log.trust.logs.map(({ origin, verifierKeys, receiptKeys }) => ({
      origin,
      verifierKeys: verifierKeys.map(({ text }) => text),
      receiptKeys: receiptKeys.map(core.thumbprintUri),
    })),
  });
  const said: unknown[] = [];
  const console = {
    log: (...words: unknown[]) => said.push(...words),
    error: (...words: unknown[]) => said.push(...words),
  };
  const body = code.replace(/^import .+\n/, ""); // plain JavaScript but for the import
  const run = new Function(
    "core",
    "proof",
    "file",
    "trustText",
    "console",
    `const { ${names} } = core; return (async () => {${body}})();`,
  );
  await run(core, proof, file, trustText, console);
  assert.equal(said[0], "https://clerk.example.gov");
});

test("every name that the README imports is exported", () => {
  for (const [, names = ""] of readme.matchAll(/import \{ (.+) \} from "@attestry\/core"/g)) {
    for (const name of names.split(", ")) assert.ok(name in core, name);
  }
});
