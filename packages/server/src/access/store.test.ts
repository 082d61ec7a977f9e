import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { refusal, temporaryFolder } from "../testing.ts";
import { openSqliteAccessStore } from "./sqlite-store.ts";
import type { AccessStore, Credential, Session } from "./store.ts";

const credential = (id: string, more: Partial<Credential> = {}): Credential => ({
  id,
  kind: "token",
  key: `hash of ${id}`,
  name: `name of ${id}`,
  roles: ["reader", "auditor"],
  addedAt: 100,
  expiresAt: undefined,
  lastUsedAt: undefined,
  revokedAt: undefined,
  ...more,
});

const session = (key: string, more: Partial<Session> = {}): Session => ({
  key,
  name: "agency:ana",
  roles: ["creator"],
  provider: "agency",
  startedAt: 100,
  seenAt: 100,
  ...more,
});

/** What every driver of the port promises. */
for (const [driver, open] of [
  ["sqlite", (folder: string) => openSqliteAccessStore(join(folder, "access.db"))],
] as const) {
  const withStore = (t: TestContext): { store: AccessStore; reopen: () => Promise<AccessStore> } => {
    const folder = temporaryFolder(t);
    let store = open(folder);
    t.after(() => store.close());
    return {
      store,
      async reopen(): Promise<AccessStore> {
        await store.close();
        store = open(folder);
        return store;
      },
    };
  };

  test(`${driver}: credentials are kept in their order, with their use and revocation`, async (t) => {
    const { store, reopen } = withStore(t);
    const certificate = credential("a", { kind: "certificate", key: "CN=a", expiresAt: 900 });
    await store.addCredential(credential("z"));
    await store.addCredential(certificate);
    await store.useCredential("a", 200);
    await store.revokeCredential("z", 300);
    const expected = [credential("z", { revokedAt: 300 }), { ...certificate, lastUsedAt: 200 }];
    assert.deepEqual(await store.listCredentials(), expected);
    const again = await reopen();
    assert.deepEqual(await again.listCredentials(), expected);
    assert.deepEqual(await again.findCredential("certificate", "CN=a"), expected[1]);
    assert.deepEqual(await again.findCredential("token", "hash of z"), expected[0]);
    assert.equal(await again.findCredential("token", "CN=a"), undefined, "a certificate's name is no token");
  });

  test(`${driver}: ids and tokens are used once for good, names and certificates until they are revoked`, async (t) => {
    const { store } = withStore(t);
    await store.addCredential(credential("a"));
    await store.addCredential(credential("c", { kind: "certificate", key: "CN=c" }));
    const clashes = [
      credential("a", { key: "other", name: "other" }),
      credential("b", { key: "hash of a" }),
      credential("b", { name: "name of a" }),
      credential("b", { kind: "certificate", key: "CN=c" }),
    ];
    for (const clash of clashes) await assert.rejects(store.addCredential(clash), refusal("CONFLICT_EXISTS"));
    await store.revokeCredential("a", 200);
    await store.revokeCredential("c", 200);
    await assert.rejects(store.revokeCredential("a", 300), refusal("NOT_FOUND"));
    await assert.rejects(store.revokeCredential("nobody", 300), refusal("NOT_FOUND"));
    await assert.rejects(store.addCredential(credential("b", { key: "hash of a" })), refusal("CONFLICT_EXISTS"));
    await store.addCredential(credential("b", { name: "name of a" }));
    await store.addCredential(credential("d", { kind: "certificate", key: "CN=c" }));
    assert.equal((await store.findCredential("certificate", "CN=c"))?.id, "d", "the newest counts");
  });

  test(`${driver}: sessions are kept until they end, are removed, or grow old`, async (t) => {
    const { store, reopen } = withStore(t);
    await store.addSession(session("a"));
    await store.addSession(session("b", { provider: undefined, roles: [] }));
    await store.addSession(session("c", { startedAt: 10, seenAt: 400 }));
    await store.useSession("a", 200);
    assert.deepEqual(await (await reopen()).findSession("a"), session("a", { seenAt: 200 }));
    const again = await reopen();
    assert.deepEqual(
      (await again.listSessions()).map(({ key }) => key),
      ["c", "a", "b"],
    );
    await again.removeOldSessions(150, 50);
    assert.notEqual(await again.findSession("a"), undefined);
    assert.equal(await again.findSession("b"), undefined, "not seen for too long");
    assert.equal(await again.findSession("c"), undefined, "began too long ago");
    await again.removeSession("a");
    await again.removeSession("a");
    assert.equal(await again.findSession("a"), undefined);
  });

  test(`${driver}: actions are listed once they are in the log, and only others can be forgotten`, async (t) => {
    const { store, reopen } = withStore(t);
    const [first, second, third] = [
      await store.addAction(Uint8Array.of(1)),
      await store.addAction(Uint8Array.of(2)),
      await store.addAction(Uint8Array.of(3)),
    ];
    assert.ok(first < second && second < third);
    await store.setActionEntry(first, 10);
    await store.setActionEntry(third, 11);
    const again = await reopen();
    const pending = { sequence: second, event: Uint8Array.of(2), entryIndex: undefined };
    assert.deepEqual(await again.listPendingActions(), [pending]);
    assert.deepEqual(
      (await again.listActions(undefined, 10)).map(({ sequence, entryIndex }) => [sequence, entryIndex]),
      [
        [third, 11],
        [first, 10],
      ],
    );
    assert.deepEqual((await again.listActions(third, 1))[0]?.event, Uint8Array.of(1));
    await again.removeAction(second);
    await again.removeAction(first);
    assert.deepEqual(await again.listPendingActions(), []);
    assert.equal((await again.listActions(undefined, 10)).length, 2);
    assert.ok((await again.addAction(Uint8Array.of(4))) > third, "a sequence number is never used again");
  });
}

test("a damaged access store, and one of a newer version, are refused by their own codes", (t) => {
  const path = join(temporaryFolder(t), "access.db");
  writeFileSync(path, "not a database, but long enough to be read as the header of one".repeat(20));
  assert.throws(() => openSqliteAccessStore(path), refusal("FATAL_CORRUPT"));
  const newer = join(temporaryFolder(t), "access.db");
  const database = new DatabaseSync(newer);
  database.exec("PRAGMA user_version = 2");
  database.close();
  assert.throws(() => openSqliteAccessStore(newer), refusal("FATAL_VERSION"));
});
