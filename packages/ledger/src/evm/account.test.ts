import assert from "node:assert/strict";
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { inspect } from "node:util";
import { newFolder } from "../../test-kit/notary.ts";
import { createAccount, createAccountFile, openAccountFile } from "./account.ts";

const folder = newFolder();
after(() => rmSync(folder, { recursive: true, force: true }));

test("an account made in a file is the same when the file is opened, and the file is its owner's alone", async () => {
  const path = join(folder, "account.key");
  const made = await createAccountFile(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal((await openAccountFile(path)).address, made.address);
  await assert.rejects(createAccountFile(path), { code: "CONFLICT_EXISTS" });
  assert.equal((await openAccountFile(path)).address, made.address, "what is there stays");
});

test("a key file may begin with 0x and end with or without a newline", async () => {
  const digits = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
  for (const [at, text] of [digits, `${digits}\n`, `0x${digits}\n`, digits.toUpperCase()].entries()) {
    const path = join(folder, `form ${at}`);
    writeFileSync(path, text, { mode: 0o600 });
    assert.equal((await openAccountFile(path)).address, "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23");
  }
});

test("a key file that others can read is refused", async () => {
  const path = join(folder, "open.key");
  await createAccountFile(path);
  chmodSync(path, 0o640);
  await assert.rejects(openAccountFile(path), { code: "USAGE_FILE", message: /chmod 600/ });
});

test("no error and no print of an account shows a digit of its key", async () => {
  const path = join(folder, "secret.key");
  const account = await createAccountFile(path);
  const digits = readFileSync(path, "utf8").trim();
  for (const print of [inspect(account, { depth: 9, showHidden: true }), JSON.stringify(account), String(account)]) {
    assert.ok(!print.includes(digits));
  }
  const zero = new Uint8Array(32);
  const spoilt = [digits.slice(1), `${digits}${digits}`, `${digits.slice(1)}x`, "ff".repeat(32), "00".repeat(32), ""];
  for (const [at, text] of spoilt.entries()) {
    const file = join(folder, `spoilt ${at}`);
    writeFileSync(file, text, { mode: 0o600 });
    const error = await openAccountFile(file).then(
      () => assert.fail(text),
      (reason: Error & { code?: string }) => reason,
    );
    assert.equal(error.code, "MALFORMED_KEY");
    for (const part of text.match(/.{8}/g) ?? []) assert.ok(!inspect(error, { depth: 9 }).includes(part), part);
  }
  assert.throws(() => createAccount(zero), { code: "MALFORMED_KEY" });
  await assert.rejects(openAccountFile(join(folder, "nowhere")), { code: "NOT_FOUND" });
});
