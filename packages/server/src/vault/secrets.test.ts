import assert from "node:assert/strict";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { pino } from "pino";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import { createKeyring } from "./keys/local-keyring.ts";
import type { ObjectStore } from "./object-store.ts";
import { access, collect, openTestVault, temporaryFolder } from "./testing/sample-vault.ts";

const marker = "birth certificate of Alma Quetzal Rivera";
const passphrase = "a passphrase that is nowhere to be found";

/** Forms in which a secret could show. */
function formsOf(secret: Uint8Array): Buffer[] {
  const bytes = Buffer.from(secret);
  const encoded = (["hex", "base64", "base64url"] as const).map((form) => bytes.toString(form).replaceAll("=", ""));
  const inspected = [[...bytes].join(", "), bytes.toString("hex").replaceAll(/(..)(?!$)/g, "$1 ")];
  return [bytes, ...[...encoded, ...inspected].map((text) => Buffer.from(text))];
}

/** Keys of whose data keys a copy is kept. */
function tapped(keys: KeyWrapper): KeyWrapper & { readonly seen: Uint8Array[] } {
  const seen: Uint8Array[] = [];
  return {
    seen,
    get id() {
      return keys.id;
    },
    wrap(dataKey, context) {
      seen.push(Uint8Array.from(dataKey));
      return keys.wrap(dataKey, context);
    },
    async unwrap(wrapped, context) {
      const dataKey = await keys.unwrap(wrapped, context);
      seen.push(Uint8Array.from(dataKey));
      return dataKey;
    },
  };
}

test("no content, data key or passphrase is in any file, log line or error, and no name in the log", async (t) => {
  const folder = temporaryFolder(t);
  const keyring = await createKeyring(join(folder, "keys", "vault.keyring"), passphrase);
  const keys = tapped(keyring);
  const lines: string[] = [];
  const logger = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
  const vault = await openTestVault(t, { folder, keys, logger });
  const content = Buffer.from(`${marker}\n`.repeat(70_000)); // 3 segments
  const errors: unknown[] = [];
  const failing = async (act: () => Promise<unknown>): Promise<void> => {
    await assert.rejects(act, (error) => errors.push(error) > 0);
  };

  const { id: open } = await vault.begin({ who: access.who });
  await vault.append(open, 0, [content.subarray(0, 1_500_000)]); // a segment, and a tail
  const { id } = await vault.store(content);
  await vault.read(id, access, { start: 100, end: 2_000_000 }).then(({ content: part }) => collect(part));
  await failing(() => vault.append(open, 7, [content]));
  await failing(async () => vault.commit(open, await vault.statementOf(content), access));
  const { readSegment, writeSegment } = vault.objects;
  const objects = vault.objects as { -readonly [K in keyof ObjectStore]: ObjectStore[K] };
  objects.readSegment = async (of, index) => (await readSegment(of, index))?.map((byte) => byte ^ 1);
  await failing(async () => collect((await vault.read(id, access)).content));
  objects.readSegment = readSegment;
  objects.writeSegment = async () => {
    throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
  };
  await failing(() => vault.append(open, 1_500_000, [content]));
  objects.writeSegment = writeSegment;
  const { wrappedKey } = (await vault.catalogue.readObject(id)) ?? assert.fail();
  await failing(() => keys.unwrap(wrappedKey.with(60, (wrappedKey[60] ?? 0) ^ 1), id));
  await failing(() => keys.unwrap(wrappedKey, open));
  await keyring.addKey();
  assert.equal(await vault.rewrap(), 2);
  const { id: erased } = await vault.store(Buffer.from(`${marker} `.repeat(40_000)));
  const key = (await vault.catalogue.readObject(erased))?.wrappedKey ?? assert.fail();
  await vault.erase(erased, "order 99", access);

  const secrets = [Buffer.from(marker), Buffer.from(passphrase), ...keys.seen].flatMap(formsOf);
  assert.ok(keys.seen.length >= 6);
  const names = globSync("**", { cwd: folder }).filter((name) => statSync(join(folder, name)).isFile());
  for (const wanted of ["vault.db", "log.db", "objects", "keys"])
    assert.ok(
      names.some((name) => name.includes(wanted)),
      wanted,
    );
  for (const name of names) {
    const file = readFileSync(join(folder, name));
    for (const secret of secrets) assert.ok(!file.includes(secret), `${name} holds a secret`);
    assert.ok(!file.includes(Buffer.from(key)), `${name} holds the wrapped key of an erased object`);
    if (name.startsWith("log.")) {
      for (const word of [access.who, "order 99"]) assert.ok(!file.includes(word), `${name} tells of ${word}`);
    }
  }
  assert.equal(errors.length, 6);
  const said = Buffer.from(
    inspect([errors, lines], {
      depth: 20,
      showHidden: true,
      maxArrayLength: null,
      maxStringLength: null,
      breakLength: Infinity,
    }),
  );
  for (const secret of secrets) assert.ok(!said.includes(secret), "an error or a log line holds a secret");
  assert.ok(lines.length > 0, "nothing was logged");
});
