import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { refusal, temporaryFolder } from "../testing.ts";
import { isDatabaseUrl, parseDatabaseUrl } from "./settings.ts";

test("an address gives host, port, database, user and password, each decoded", () => {
  assert.deepEqual(parseDatabaseUrl("postgresql://cl%40rk:p%3A%2Fw@127.0.0.1:5433/land%20records"), {
    host: "127.0.0.1",
    port: 5433,
    user: "cl@rk",
    password: "p:/w",
    database: "land records",
    tls: false,
  });
  const socket = parseDatabaseUrl("postgres:///attestry?host=/run/postgresql");
  assert.deepEqual([socket.host, socket.port, socket.user, socket.tls], ["/run/postgresql", 5432, undefined, false]);
  assert.equal(parseDatabaseUrl("postgres://[::1]/attestry").host, "::1");
  assert.ok(isDatabaseUrl("POSTGRES://x") && !isDatabaseUrl("sqlserver://x"));
});

test("off this machine TLS is verified, and an address that asks for less is refused", (t) => {
  const ca = join(temporaryFolder(t), "ca.pem");
  writeFileSync(ca, "authority");
  const host = "postgres://notary@db.example/attestry";
  assert.deepEqual(parseDatabaseUrl(host).tls, {});
  for (const mode of ["require", "verify-ca", "verify-full"]) {
    assert.deepEqual(parseDatabaseUrl(`${host}?sslmode=${mode}&sslrootcert=${ca}`).tls, { ca: "authority" });
  }
  for (const mode of ["disable", "allow", "prefer", "no-verify", "never"]) {
    assert.throws(() => parseDatabaseUrl(`${host}?sslmode=${mode}`), refusal("USAGE"), mode);
  }
  // A name that only looks like this machine's, or another address of it, is another machine.
  for (const other of ["localhost.example", "0.0.0.0", "10.0.0.1", "127.0.0.1.example"]) {
    assert.throws(() => parseDatabaseUrl(`postgres://${other}/a?sslmode=disable`), refusal("USAGE"), other);
  }
  assert.throws(() => parseDatabaseUrl("postgres://127.0.0.1/a?host=db.example&sslmode=disable"), refusal("USAGE"));
  assert.deepEqual(parseDatabaseUrl(`postgres://localhost/a?sslmode=verify-full&sslrootcert=${ca}`).tls, {
    ca: "authority",
  });
  assert.throws(() => parseDatabaseUrl(`${host}?sslrootcert=/nowhere.pem`), refusal("USAGE_FILE"));
});

test("what is no address is refused, and no refusal repeats the password", () => {
  for (const text of [
    "",
    "db.example",
    "mysql://x/y",
    "postgres://",
    "postgres://x",
    "postgres://x/",
    "postgres://x/a/b",
  ]) {
    assert.throws(() => parseDatabaseUrl(text), refusal("USAGE"), text);
  }
  const option = fc.constantFrom(
    "?sslmode=disable",
    "?sslmode=hunter2",
    "?password=hunter2",
    "?options=-c",
    "/b",
    "%",
    "",
  );
  const host = fc.constantFrom("db.example", "", "db.example:99999", "a b", "%zz");
  fc.assert(
    fc.property(host, option, (host, option) => {
      try {
        parseDatabaseUrl(`postgres://notary:hunter2@${host}/a${option}`);
      } catch (error) {
        assert.ok(refusal("USAGE")(error));
        assert.doesNotMatch((error as Error).message, /hunter2/);
      }
    }),
  );
});

test("a notary on embedded storage does not load the driver", (t) => {
  const folder = temporaryFolder(t);
  const script = `
    import Module from "node:module";
    const { createNotary } = await import(${JSON.stringify(join(import.meta.dirname, "../index.ts"))});
    const notary = await createNotary({ data: ${JSON.stringify(folder)} });
    await notary.close();
    console.log(JSON.stringify(Object.keys(Module._cache).filter((path) => /node_modules.pg\\W/.test(path))));
    await import("pg");
    console.log(Object.keys(Module._cache).some((path) => /node_modules.pg\\W/.test(path)));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  assert.equal(output, "[]\ntrue\n");
});
