import assert from "node:assert/strict";
import { chmodSync, chownSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { pino } from "pino";
import { issue, noon, pem } from "../../../core/src/x509/test-certificates.ts";
import { refusal, temporaryFolder } from "../testing.ts";
import { openDatabase } from "./database.ts";
import { postgresForTests } from "./testing/server.ts";
import { until } from "./testing/until.ts";

const postgres = postgresForTests();
const skip = { skip: postgres.skip ?? false };

test("a wrong password or database is told at once, and no error or log line has the password", skip, async () => {
  const server = await postgres.server();
  const url = await server.createDatabase();
  const planted = "hunter2planted";
  const wrong = [
    url.replace(server.password, planted),
    url.replace(/\w+$/, "nowhere"),
    `postgres://u:${planted}@127.0.0.1:1/nowhere`,
    `postgres://u:${planted}@db.example/x?sslmode=disable`,
  ];
  const codes: string[] = [];
  for (const address of wrong) {
    const error = await openDatabase(address).then(
      () => assert.fail("it opened"),
      (error) => error,
    );
    codes.push(error.code);
    const lines: string[] = [];
    pino({}, { write: (line: string) => void lines.push(line) }).error({ err: error }, "failed");
    const all = [inspect(error, { depth: 20, showHidden: true }), error.stack, error.cause?.stack, ...lines].join("\n");
    assert.ok(!all.includes(planted) && !all.includes(server.password), all);
  }
  assert.deepEqual(codes, ["USAGE", "USAGE", "UNAVAILABLE_STORAGE", "USAGE"]);
});

test("a server that may lose what it acknowledged is refused", skip, async (t) => {
  const server = await postgres.server();
  const url = await server.createDatabase();
  const reload = async (statement: string) => {
    await server.sql(url, statement);
    await server.sql(url, "SELECT pg_reload_conf()");
  };
  for (const setting of ["fsync", "full_page_writes"]) {
    t.after(() => reload(`ALTER SYSTEM RESET ${setting}`));
    await reload(`ALTER SYSTEM SET ${setting} = off`);
    await until(async () => (await server.sql(url, `SHOW ${setting}`))[0]?.[0] === "off");
    await assert.rejects(openDatabase(url), refusal("USAGE"));
    await reload(`ALTER SYSTEM RESET ${setting}`);
    await until(async () => (await server.sql(url, `SHOW ${setting}`))[0]?.[0] === "on");
  }
  // What a session may choose is chosen for it, whatever the database's default is.
  const [[name] = []] = await server.sql(url, "SELECT current_database()");
  await server.sql(url, `ALTER DATABASE ${String(name)} SET synchronous_commit = off`);
  const database = await openDatabase(url);
  t.after(() => database.close());
  assert.deepEqual(await database.query("SHOW synchronous_commit"), [["on"]]);
});

test(
  "a certificate is verified by its authority and its name, also for this machine when asked for",
  skip,
  async (t) => {
    const server = await postgres.server();
    const url = await server.createDatabase();
    const folder = temporaryFolder(t);
    const validity = { notBefore: noon("2020-01-01"), notAfter: noon("2049-01-01") };
    const root = await issue({ subject: "CN=Agency Root", ca: {}, ...validity });
    const names = [{ type: "dns", value: "localhost" } as const];
    const leaf = await issue({ subject: "CN=localhost", by: root, names, ...validity });
    const stranger = await issue({ subject: "CN=Other Root", ca: {}, ...validity });
    const key = Buffer.from(await crypto.subtle.exportKey("pkcs8", leaf.keys.privateKey)).toString("base64");
    const [[data] = []] = await server.sql(url, "SHOW data_directory");
    const owner = statSync(String(data));
    for (const [file, text] of [
      ["server.crt", pem(leaf.der)],
      ["server.key", `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`],
    ] as const) {
      const path = join(String(data), file);
      writeFileSync(path, text);
      chmodSync(path, 0o600);
      chownSync(path, owner.uid, owner.gid);
    }
    const [ca, other] = [join(folder, "ca.pem"), join(folder, "other.pem")];
    writeFileSync(ca, pem(root.der));
    writeFileSync(other, pem(stranger.der));
    await assert.rejects(openDatabase(`${url}?sslmode=verify-full&sslrootcert=${ca}`), refusal("USAGE")); // it has none yet
    await server.sql(url, "ALTER SYSTEM SET ssl = on");
    await server.sql(url, "SELECT pg_reload_conf()");
    await until(async () => (await server.sql(url, "SHOW ssl"))[0]?.[0] === "on");
    const named = url.replace("127.0.0.1", "localhost");
    const database = await openDatabase(`${named}?sslmode=verify-full&sslrootcert=${ca}`);
    t.after(() => database.close());
    assert.deepEqual(await database.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"), [[true]]);
    await assert.rejects(openDatabase(`${named}?sslmode=verify-full&sslrootcert=${other}`), refusal("USAGE"));
    await assert.rejects(openDatabase(`${named}?sslmode=require`), refusal("USAGE"), "no authority that it knows");
    await assert.rejects(
      openDatabase(`${url}?sslmode=verify-full&sslrootcert=${ca}`),
      refusal("USAGE"),
      "another name",
    );
  },
);

test("connections that the server ends, busy or idle, are replaced, and the process lives", skip, async (t) => {
  const server = await postgres.server();
  const url = await server.createDatabase();
  const database = await openDatabase(url);
  t.after(() => database.close());
  const end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'attestry'";
  const lost = database.transaction(async (querier) => {
    await querier.query("SELECT 1");
    await server.sql(url, end);
    await querier.query("SELECT 2");
  });
  await assert.rejects(lost, refusal("UNAVAILABLE_STORAGE"));
  await Promise.all(Array.from({ length: 5 }, () => database.read("SELECT pg_sleep(0.01)")));
  await server.sql(url, end);
  assert.deepEqual(await database.read("SELECT 3"), [[3]]);
  await server.kill();
  await assert.rejects(database.read("SELECT 4"), refusal("UNAVAILABLE_STORAGE"));
  await server.start();
  assert.deepEqual(await database.read("SELECT 5"), [[5]]);
});

test("a transaction is written whole or not at all, and a hand that was closed is of no more use", skip, async (t) => {
  const database = await openDatabase(await (await postgres.server()).createDatabase());
  const hand = database.share();
  t.after(() => hand.close());
  await database.query("CREATE TABLE public.kept (n bigint PRIMARY KEY)");
  await database.transaction(async (querier) => void (await querier.query("INSERT INTO public.kept VALUES (1)")));
  const half = database.transaction(async (querier) => {
    await querier.query("INSERT INTO public.kept VALUES (2)");
    await querier.query("INSERT INTO public.kept VALUES (1)");
  });
  await assert.rejects(half, refusal("FATAL_CORRUPT"));
  await database.close();
  await assert.rejects(database.query("SELECT 1"), refusal("UNAVAILABLE_STORAGE"));
  assert.deepEqual(await hand.read("SELECT n FROM public.kept"), [[1]]);
  await hand.query("INSERT INTO public.kept VALUES (9223372036854775807)");
  await assert.rejects(hand.read("SELECT n FROM public.kept"), refusal("FATAL_CORRUPT"));
});
