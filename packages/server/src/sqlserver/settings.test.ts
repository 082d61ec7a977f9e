import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { refusal, temporaryFolder } from "../testing.ts";
import { isSqlServerUrl, parseSqlServerUrl } from "./settings.ts";

test("an address gives host, port, database, user and password, each decoded; without a user it is Entra ID", () => {
  assert.deepEqual(parseSqlServerUrl("sqlserver://cl%40rk:p%3A%2Fw@127.0.0.1:1434/land%20records"), {
    host: "127.0.0.1",
    port: 1434,
    login: { user: "cl@rk", password: "p:/w" },
    database: "land records",
    tls: false,
  });
  assert.deepEqual(parseSqlServerUrl("sqlserver://agency.database.usgovcloudapi.net/attestry"), {
    host: "agency.database.usgovcloudapi.net",
    port: 1433,
    login: undefined,
    database: "attestry",
    tls: { mode: "mandatory" },
  });
  assert.equal(parseSqlServerUrl("sqlserver://u:p@[::1]/attestry").host, "::1");
  assert.ok(isSqlServerUrl("SQLSERVER://x") && !isSqlServerUrl("postgres://x"));
});

test("a password that the address leaves out is taken from the environment", (t) => {
  const before = process.env["SQLCMDPASSWORD"];
  t.after(() => {
    if (before === undefined) delete process.env["SQLCMDPASSWORD"];
    else process.env["SQLCMDPASSWORD"] = before;
  });
  delete process.env["SQLCMDPASSWORD"];
  assert.throws(() => parseSqlServerUrl("sqlserver://notary@localhost/a"), refusal("USAGE"));
  process.env["SQLCMDPASSWORD"] = "from elsewhere";
  assert.deepEqual(parseSqlServerUrl("sqlserver://notary@localhost/a").login, {
    user: "notary",
    password: "from elsewhere",
  });
});

test("off this machine TLS is verified, and an address that asks for less is refused", (t) => {
  const ca = join(temporaryFolder(t), "ca.pem");
  writeFileSync(ca, "authority");
  const host = "sqlserver://notary:p@db.example/attestry";
  for (const [encrypt, mode] of [
    ["true", "mandatory"],
    ["mandatory", "mandatory"],
    ["strict", "strict"],
  ] as const) {
    assert.deepEqual(parseSqlServerUrl(`${host}?encrypt=${encrypt}&sslrootcert=${ca}`).tls, { mode, ca: "authority" });
  }
  for (const wrong of [
    "encrypt=false",
    "encrypt=optional",
    "encrypt=",
    "trustServerCertificate=true",
    "encrypt=FALSE",
  ]) {
    assert.throws(() => parseSqlServerUrl(`${host}?${wrong}`), refusal("USAGE"), wrong);
  }
  for (const other of ["localhost.example", "0.0.0.0", "10.0.0.1", "127.0.0.1.example"]) {
    assert.throws(() => parseSqlServerUrl(`sqlserver://u:p@${other}/a?encrypt=false`), refusal("USAGE"), other);
  }
  assert.throws(() => parseSqlServerUrl(`${host}?sslrootcert=/nowhere.pem`), refusal("USAGE_FILE"));
  assert.throws(
    () => parseSqlServerUrl("sqlserver://localhost/a"),
    refusal("USAGE"),
    "a token is not sent in the clear",
  );
});

test("what is no address is refused, and no refusal repeats the password", () => {
  for (const text of [
    "",
    "db.example",
    "mssql://x/y",
    "sqlserver://",
    "sqlserver://x",
    "sqlserver://x/",
    "sqlserver://x/a/b",
  ]) {
    assert.throws(() => parseSqlServerUrl(text), refusal("USAGE"), text);
  }
  const ending = fc.constantFrom("?encrypt=false", "?encrypt=no", "?x=y", "/", "%", "?sslrootcert=/nowhere");
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{8,12}$/), ending, (planted, end) => {
      try {
        parseSqlServerUrl(`sqlserver://u:${planted}@db.example/a${end}`);
        assert.fail("it was taken");
      } catch (error) {
        assert.match(String((error as { code?: unknown }).code), /^USAGE/);
        assert.ok(!`${error} ${(error as Error).stack}`.includes(planted));
      }
    }),
  );
});
