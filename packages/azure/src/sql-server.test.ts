import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { issue, noon, pem } from "../../core/src/x509/test-certificates.ts";
import { type Database, openDatabase } from "../../server/src/sqlserver/database.ts";
import { hasSdk } from "./sdk.ts";
import { connectSqlServer } from "./sql-server.ts";
import { temporaryFolder } from "./testing.ts";
import { type Asked, type Reply, startTdsServer, type TdsOptions, type TdsServer } from "./testing-tds.ts";

const skip = hasSdk("tedious") ? {} : { skip: "the driver for SQL Server is not installed: npm run setup:azure" };

/** What a server of ours says when it is opened: SQL Server 2022, and durable. */
function opening({ text }: Asked): Reply | undefined {
  if (text.includes("SERVERPROPERTY")) return { rows: [[16, 3, 0]] };
  return /^(set|SET) /.test(text) ? {} : undefined;
}

async function start(t: TestContext, options: Partial<TdsOptions> = {}): Promise<TdsServer> {
  const { answer = () => undefined, ...rest } = options;
  const server = await startTdsServer({ ...rest, answer: (asked) => opening(asked) ?? answer(asked) });
  t.after(() => server.close());
  return server;
}

async function open(t: TestContext, { port }: TdsServer, options = ""): Promise<Database> {
  const database = await openDatabase(
    `sqlserver://notary:pass%20word@127.0.0.1:${port}/attestry${options}`,
    connectSqlServer,
  );
  t.after(() => database.close());
  return database;
}

test("values travel as bigint, nvarchar and varbinary, and come back as numbers, text and bytes", skip, async (t) => {
  const asked: Asked[] = [];
  const server = await start(t, {
    answer(question) {
      asked.push(question);
      return { rows: [[5n, 7, "Número ✓", new Uint8Array([1, 2]), null, 9_007_199_254_740_993n]] };
    },
  });
  const database = await open(t, server);
  const rows = await database.query("SELECT @1, @2, @3, @4, @5", [
    2 ** 40,
    "å",
    new Uint8Array(9000),
    null,
    { list: [[1, 2, new Uint8Array(3)]] },
  ]);
  assert.deepEqual(rows, [[5, 7, "Número ✓", new Uint8Array([1, 2]), null, "9007199254740993"]]);
  assert.equal(asked[0]?.text, "SELECT @1, @2, @3, @4, @5");
  assert.equal(
    asked[0]?.declared,
    "@1 bigint, @2 nvarchar(4000), @3 varbinary(max), @4 nvarchar(4000), @5 attestry.list readonly",
  );
  assert.deepEqual(server.logins, ["notary"]);
});

test("each session is set to undo what fails, and to give up waiting for locks", skip, async (t) => {
  const batches: string[] = [];
  const server = await startTdsServer({
    answer(asked) {
      if (asked.declared === undefined) batches.push(asked.text);
      return opening(asked);
    },
  });
  t.after(() => server.close());
  await open(t, server);
  const set = batches.filter((text) => text.startsWith("SET"));
  assert.equal(set.length, server.logins.length);
  assert.match(set[0] ?? "", /SET XACT_ABORT ON.*SET LOCK_TIMEOUT \d+/);
});

test("what the server says becomes the errors that the stores know, with its number", skip, async (t) => {
  let number = 0;
  const server = await start(t, {
    answer: () => ({ error: { number, message: "The duplicate key value is (planted)." } }),
  });
  const database = await open(t, server);
  for (const [given, code] of [
    [2627, "FATAL_CORRUPT"],
    [2601, "FATAL_CORRUPT"],
    [208, "FATAL_CORRUPT"],
    [1222, "UNAVAILABLE_STORAGE"],
    [1105, "UNAVAILABLE_STORAGE"],
    [40501, "UNAVAILABLE_STORAGE"],
    [102, "FATAL_INTERNAL"],
  ] as const) {
    number = given;
    await assert.rejects(database.query("INSERT"), (error) => {
      assert.equal((error as { code: string }).code, code, String(given));
      assert.equal((error as { data: { sqlError: number } }).data.sqlError, given);
      assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes("planted"));
      return true;
    });
  }
});

test("the victim of a deadlock asks again, and gives up when it always is one", skip, async (t) => {
  let deadlocks = 2;
  let asked = 0;
  const server = await start(t, {
    answer({ text }) {
      if (!text.startsWith("UPDATE")) return {};
      asked += 1;
      return deadlocks-- > 0 ? { error: { number: asked % 2 === 0 ? 3960 : 1205, class: 13 } } : { rows: [[1]] };
    },
  });
  const database = await open(t, server);
  assert.deepEqual(await database.query("UPDATE 1"), [[1]]);
  assert.equal(asked, 3);
  deadlocks = 2;
  assert.deepEqual(await database.transaction((querier) => querier.query("UPDATE 2")), [[1]]);
  // What runs in a session may be half done: it is its caller's to repeat.
  let runs = 0;
  deadlocks = 1;
  const session = database.session((querier) => {
    runs += 1;
    return querier.query("UPDATE in a session");
  });
  await assert.rejects(session, { code: "UNAVAILABLE_STORAGE" });
  assert.equal(runs, 1);
  deadlocks = 1000;
  asked = 0;
  await assert.rejects(database.query("UPDATE 3"), { code: "UNAVAILABLE_STORAGE" });
  assert.equal(asked, 5);
});

test("a transaction is begun, committed, and rolled back when anything in it fails", skip, async (t) => {
  const said: string[] = [];
  const server = await start(t, {
    answer({ text }) {
      said.push(text);
      return text === "INSERT 2" ? { error: { number: 2627 } } : {};
    },
  });
  const database = await open(t, server);
  await database.transaction(async (querier) => void (await querier.query("INSERT 1")));
  const failed = database.transaction(async (querier) => void (await querier.query("INSERT 2")));
  await assert.rejects(failed, { code: "FATAL_CORRUPT" });
  assert.deepEqual(said, [
    ...["BEGIN TRANSACTION", "INSERT 1", "COMMIT TRANSACTION"],
    ...["BEGIN TRANSACTION", "INSERT 2", "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION"],
  ]);
  const before = server.logins.length;
  await database.query("INSERT 3");
  assert.equal(server.logins.length, before + 1, "the session on which something failed was used again");
});

test("a line cut while a statement runs is told; a read is asked again, a write is not", skip, async (t) => {
  let cuts = 0;
  const asked: string[] = [];
  const server = await start(t, {
    answer(question) {
      asked.push(question.text);
      if (cuts-- <= 0) return { rows: [[1]] };
      question.hangUp();
      return undefined;
    },
  });
  const database = await open(t, server);
  cuts = 1;
  await assert.rejects(database.query("UPDATE 1"), { code: "UNAVAILABLE_STORAGE" });
  cuts = 2;
  assert.deepEqual(await database.read("SELECT 1"), [[1]]);
  assert.deepEqual(asked, ["UPDATE 1", "SELECT 1", "SELECT 1", "SELECT 1"]);
  // All that sat idle were cut, as by a restart of the server.
  await Promise.all(Array.from({ length: 8 }, () => database.read("SELECT 2")));
  server.hangUp();
  assert.deepEqual(await database.read("SELECT 3"), [[1]]);
  await server.close();
  await assert.rejects(database.read("SELECT 4"), { code: "UNAVAILABLE_STORAGE" });
});

test("a statement that is not answered is cancelled in time, and the next one has another session", skip, async (t) => {
  const server = await start(t, { answer: ({ text }) => (text === "silence" ? undefined : { rows: [[1]] }) });
  const impatient: typeof connectSqlServer = (options) =>
    connectSqlServer({ ...options, timeouts: { connect: 5000, request: 100 } });
  const database = await openDatabase(`sqlserver://u:p@127.0.0.1:${server.port}/attestry`, impatient);
  t.after(() => database.close());
  await assert.rejects(database.query("silence"), { code: "UNAVAILABLE_STORAGE" });
  assert.deepEqual(await database.query("SELECT 1"), [[1]]);
});

test("no more than eight sessions are open, and whoever waits gets the next that is free", skip, async (t) => {
  const server = await start(t, { answer: () => ({ rows: [[1]] }) });
  const database = await open(t, server);
  const answers = await Promise.all(Array.from({ length: 50 }, () => database.query("SELECT 1")));
  assert.equal(answers.flat().length, 50);
  assert.equal(server.open(), 8);
  const hand = database.share();
  await database.close();
  await assert.rejects(database.query("SELECT 1"), { code: "UNAVAILABLE_STORAGE" });
  assert.deepEqual(await hand.query("SELECT 1"), [[1]]);
  await hand.close();
});

test("whoever is refused is told what to do, and no error has the password", skip, async (t) => {
  for (const [number, advice] of [
    [18456, /user or password/],
    [4060, /no such database/],
    [40615, /firewall/],
  ] as const) {
    const server = await start(t, { refusal: { number, message: "Login failed for user 'notary'." } });
    await assert.rejects(open(t, server), (error) => {
      assert.equal((error as { code: string }).code, "USAGE");
      assert.match(String(error), advice);
      assert.ok(!inspect(error, { depth: 20, showHidden: true }).includes("pass word"));
      return true;
    });
  }
  await assert.rejects(openDatabase("sqlserver://u:p@127.0.0.1:1/attestry", connectSqlServer), {
    code: "UNAVAILABLE_STORAGE",
  });
});

test("a database that may lose what it acknowledged, or is too old, is refused", skip, async (t) => {
  for (const [row, advice] of [
    [[16, 3, 2], /DELAYED_DURABILITY/],
    [[12, 3, 0], /2016/],
  ] as const) {
    const server = await startTdsServer({
      answer: (asked) => (asked.text.includes("SERVERPROPERTY") ? { rows: [row] } : opening(asked)),
    });
    t.after(() => server.close());
    await assert.rejects(open(t, server), { code: "USAGE", message: advice });
  }
  const azure = await startTdsServer({
    answer: (asked) => (asked.text.includes("SERVERPROPERTY") ? { rows: [[12, 5, 1]] } : opening(asked)),
  });
  t.after(() => azure.close());
  await open(t, azure);
});

test("a certificate is verified by its authority and its name, in both ways of encrypting", skip, async (t) => {
  const folder = temporaryFolder(t);
  const validity = { notBefore: noon("2020-01-01"), notAfter: noon("2049-01-01") };
  const root = await issue({ subject: "CN=Agency Root", ca: {}, ...validity });
  const stranger = await issue({ subject: "CN=Other Root", ca: {}, ...validity });
  const named = await issue({
    subject: "CN=localhost",
    by: root,
    names: [{ type: "dns", value: "localhost" }],
    ...validity,
  });
  const key = Buffer.from(await crypto.subtle.exportKey("pkcs8", named.keys.privateKey)).toString("base64");
  const certificate = { key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`, cert: pem(named.der) };
  const [ca, other] = [join(folder, "ca.pem"), join(folder, "other.pem")];
  writeFileSync(ca, pem(root.der));
  writeFileSync(other, pem(stranger.der));
  for (const mode of ["mandatory", "strict"]) {
    const server = await start(t, { certificate, strict: mode === "strict", answer: () => ({ rows: [[1]] }) });
    const url = (host: string, authority: string) =>
      `sqlserver://notary:secretword@${host}:${server.port}/attestry?encrypt=${mode}&sslrootcert=${authority}`;
    const database = await openDatabase(url("localhost", ca), connectSqlServer);
    t.after(() => database.close());
    assert.deepEqual(await database.query("SELECT 1"), [[1]]);
    assert.ok(!Buffer.concat(server.inClear).includes(Buffer.from("SELECT", "utf16le")), "it was said in the clear");
    for (const wrong of [url("localhost", other), url("127.0.0.1", ca)]) {
      await assert.rejects(openDatabase(wrong, connectSqlServer), { code: "USAGE", message: /certificate/ }, wrong);
    }
    assert.equal(server.logins.length, 1, "a password was sent to a server that nobody knows");
  }
});

test("a server, or somebody before it, that says it cannot encrypt is not talked to", skip, async (t) => {
  const server = await start(t);
  await assert.rejects(open(t, server, "?encrypt=mandatory"), { code: "USAGE", message: /does not encrypt/ });
  assert.deepEqual(server.logins, []);
});
