// Whatever arrives, the server answers: no 5xx, no crash, no hang. In-process, so that many inputs fit in little time.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { encodeCbor, parseStatement } from "@attestry/core";
import fc from "fast-check";
import type { FastifyInstance, InjectOptions } from "fastify";
import { pino } from "pino";
import { openNotaryIssuer } from "../access/notary-issuer.ts";
import { createDataFolder } from "../data-folder.ts";
import { createNotary, type Notary } from "../notary.ts";
import { createIssuer, now } from "../testing.ts";
import { openVault } from "../vault/open.ts";
import type { Vault } from "../vault/vault.ts";
import { createApp } from "./app.ts";

let folder: string;
let notary: Notary;
let vault: Vault;
let app: FastifyInstance;
let seeds: Uint8Array[];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "attestry-fuzz-"));
  notary = await createNotary({ data: folder });
  const issuers = (["P-256", "P-384", "ed25519"] as const).map(createIssuer);
  for (const issuer of issuers) await notary.issuers.addKey(issuer.signer.publicKey);
  seeds = await Promise.all(issuers.map((issuer) => issuer.statement()));
  const [seed] = seeds;
  const target = (await notary.register([seed as Uint8Array])).outcomes.map((outcome) =>
    "error" in outcome ? new Uint8Array(32) : outcome.leafHash,
  )[0];
  const relation = { kind: "revokes", target: target ?? new Uint8Array(32), reason: "x" } as const;
  seeds.push(await (issuers[0] ?? createIssuer()).statement({ relation, contentType: "text/plain" }));
  const data = createDataFolder(folder);
  const issuer = await openNotaryIssuer({ notary, path: data.custodyKey, now });
  vault = await openVault({ folder: data, notary, issuer, logger: pino({ level: "silent" }) });
  app = await createApp({ notary, vault, adminToken: "token" });
});

after(async () => {
  await app.close();
  await vault.close();
  await notary.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Sends it, and sees that the answer is one that a client can use. */
async function send(request: InjectOptions): Promise<void> {
  const response = await app.inject(request);
  assert.ok(
    response.statusCode < 500,
    `${request.method} ${String(request.url)}: ${response.statusCode} ${response.body}`,
  );
  if (response.statusCode >= 400) assert.match(String(response.headers["content-type"]), /problem/);
}

/** Each run sends a handful at once, as clients do. */
async function sendAll<T>(
  arbitrary: fc.Arbitrary<T>,
  toRequest: (value: T) => InjectOptions,
  count: number,
): Promise<void> {
  const perRun = 20;
  const property = fc.asyncProperty(fc.array(arbitrary, { minLength: perRun, maxLength: perRun }), async (values) => {
    await Promise.all(values.map((value) => send(toRequest(value))));
  });
  await fc.assert(property, { numRuns: count / perRun });
}

const bytes = fc.uint8Array({ maxLength: 400 });

/** A valid statement with bytes flipped, cut out, doubled or put in. */
const mutated = fc
  .tuple(
    fc.nat({ max: 3 }),
    fc.array(fc.tuple(fc.nat({ max: 3 }), fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
  )
  .map(([which, edits]) => {
    let statement = Uint8Array.from(seeds[which] as Uint8Array);
    for (const [kind, place, value] of edits) {
      const at = place % statement.length;
      if (kind === 0) statement[at] = value;
      else if (kind === 1) statement = statement.slice(0, at);
      else if (kind === 2)
        statement = Uint8Array.from([...statement.slice(0, at), ...statement.slice(place % (at + 1))]);
      else statement = Uint8Array.from([...statement.slice(0, at), value, ...statement.slice(at)]);
      if (statement.length === 0) return Uint8Array.of(value);
    }
    return statement;
  });

const post =
  (url: string, type: string) =>
  (payload: Uint8Array | string): InjectOptions => ({
    method: "POST",
    url,
    headers: { "content-type": type, authorization: "Bearer token" },
    payload: Buffer.from(payload as Uint8Array),
  });

test("POST /entries: random bytes", () => sendAll(bytes, post("/entries", "application/cose"), 6_000));

test("POST /entries: mutated statements", () => sendAll(mutated, post("/entries", "application/cose"), 12_000));

test("POST /v1/entries: random bytes", () => sendAll(bytes, post("/v1/entries", "application/cbor"), 4_000));

test("POST /v1/entries: arrays of mutated statements and others", async () => {
  const size = notary.status.head.size;
  const item = fc.oneof(mutated, bytes, fc.integer(), fc.string());
  const batch = fc.array(item, { maxLength: 10 }).map((items) => encodeCbor(items as Uint8Array[]));
  await sendAll(batch, post("/v1/entries", "application/cbor"), 3_000);
  // What a mutation left valid is a statement that an enrolled issuer signed.
  for (let index = size; index < notary.status.head.size; index++) {
    const { statement } = await notary.entry(index);
    assert.ok(seeds.some((seed) => Buffer.compare(parseStatement(seed).toBeSigned, statement.toBeSigned) === 0));
  }
});

test("deep, long and lying CBOR", async () => {
  for (const head of ["81", "a101", "d2", "c1", "9f", "5f", "bf"])
    await send(post("/v1/entries", "application/cbor")(Buffer.from(head.repeat(100_000), "hex")));
  for (const head of ["9b7fffffffffffffff", "5b7fffffffffffffff", "bb00ffffffffffffff", "9affffffff", "5affffffff"]) {
    await send(post("/v1/entries", "application/cbor")(Buffer.from(head, "hex")));
    await send(post("/entries", "application/cose")(Buffer.from(`d284${head}`, "hex")));
  }
  await send(post("/v1/entries", "application/cbor")(encodeCbor(Array.from({ length: 8193 }, () => new Uint8Array()))));
});

const text = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("0", "-1", "1e9", "%", "%zz", "..", "\u0000", "__proto__", "constructor"),
);

test("GET with queries, indexes and paths of any kind", async () => {
  const names = fc.constantFrom("hash", "issuer", "subject", "relatesTo", "from", "to", "limit", "cursor", "else");
  const query = fc.array(fc.tuple(names, text), { maxLength: 4 }).map((pairs) => {
    return `/v1/entries?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`).join("&")}`;
  });
  const prefixes = fc.constantFrom(
    "/v1/entries/",
    "/entries/",
    "/.well-known/scitt-keys/",
    "/log/tile/",
    "/log/",
    "/v1/issuers/",
    "/",
  );
  const path = fc
    .tuple(prefixes, text, fc.boolean())
    .map(
      ([prefix, rest, raw]) =>
        prefix + (raw ? encodeURI(rest.toWellFormed()) : encodeURIComponent(rest.toWellFormed())),
    );
  const get = (url: string): InjectOptions => ({ method: "GET", url });
  await sendAll(query, get, 4_000);
  await sendAll(path, get, 6_000);
});

test("tile paths close to real ones", async () => {
  const number = fc.oneof(fc.nat({ max: 300 }).map(String), fc.stringMatching(/^[0-9x/.p]{0,12}$/));
  const path = fc
    .tuple(fc.constantFrom("0", "1", "63", "64", "entries", "00"), number, fc.option(number))
    .map(([level, index, width]) => {
      return `/log/tile/${level}/${index.padStart(3, "0")}${width === null ? "" : `.p/${width}`}`;
    });
  await sendAll(path, (url) => ({ method: "GET", url }), 4_000);
});

test("enrolment and revocation with any JSON, as the administrator", async () => {
  const value = fc.oneof(
    text,
    fc.integer(),
    fc.constant(null),
    fc.array(text, { maxLength: 2 }),
    fc.uint8Array({ maxLength: 90 }).map((key) => Buffer.from(key).toString("base64url")),
  );
  const body = fc
    .dictionary(fc.constantFrom("issuer", "key", "certificateRoot", "reason", "__proto__"), value, { maxKeys: 4 })
    .map((object) => JSON.stringify(object));
  await sendAll(body, post("/v1/issuers", "application/json"), 3_000);
  await sendAll(body, post("/v1/issuers/abc/revoke", "application/json"), 1_000);
  await sendAll(bytes, post("/v1/issuers", "application/json"), 2_000);
  const pem = bytes.map((der) =>
    JSON.stringify({
      certificateRoot: `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE-----\n`,
    }),
  );
  await sendAll(pem, post("/v1/issuers", "application/json"), 2_000);
});

const authorization = "Bearer token";

test("the vault's addresses: names, queries, ranges and bodies of any kind", async () => {
  const { id } = await vault.begin({ who: "administrator", size: 3 });
  await vault.append(id, 0, [Uint8Array.of(1, 2, 3)]);
  const ref = fc.oneof(text, fc.constantFrom(id, "a".repeat(26), "0".repeat(64), "A".repeat(26)));
  const act = fc.constantFrom(
    "",
    "/content",
    "/custody",
    "/hold",
    "/release",
    "/erase",
    "/export",
    "/reclassify",
    "/x",
  );
  const query = fc.oneof(
    fc.constant(""),
    text.map((value) => `?purpose=${encodeURIComponent(value.toWellFormed())}`),
  );
  const method = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE");
  const json = fc
    .dictionary(fc.constantFrom("order", "purpose", "recordClass", "forget", "__proto__"), text, { maxKeys: 3 })
    .map((object) => JSON.stringify(object));
  const objects = fc.tuple(method, ref, act, query, fc.oneof(json, bytes.map(String)), text);
  await sendAll(
    objects,
    ([how, what, rest, search, payload, range]) => ({
      method: how as "GET",
      url: `/v1/objects/${encodeURIComponent(what.toWellFormed())}${rest}${search}`,
      headers: {
        authorization,
        "content-type": "application/json",
        range: Buffer.from(`bytes=${range}`)
          .toString("latin1")
          .replace(/[^ -~]/g, ""),
      },
      ...(how === "GET" || how === "HEAD" ? {} : { payload }),
    }),
    3_000,
  );
  const names = fc.constantFrom("hash", "subject", "recordClass", "state", "cursor", "limit", "else");
  const pairs = fc.array(fc.tuple(names, text), { maxLength: 4 });
  await sendAll(
    pairs,
    (list) => ({
      method: "GET",
      url: `/v1/objects?${list.map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`).join("&")}`,
      headers: { authorization },
    }),
    1_000,
  );
});

test("tus with headers and bodies of any kind", async () => {
  const size = fc.oneof(text, fc.nat({ max: 500 }).map(String), fc.constantFrom("9".repeat(20), "1e3", "-1"));
  const clean = (value: string): string => value.replace(/[^ -~]/g, "");
  const request = fc.tuple(
    fc.constantFrom("POST", "PATCH", "HEAD", "DELETE", "GET", "OPTIONS"),
    fc.oneof(text, fc.constantFrom("", "a".repeat(26))),
    fc.record(
      {
        "tus-resumable": fc.constantFrom("1.0.0", "1.0.0", "1.0.0", "0.0.1"),
        "upload-length": size,
        "upload-offset": size,
        "upload-defer-length": fc.constantFrom("1", "0"),
        "upload-metadata": fc.oneof(text, fc.constantFrom("a YQ==,b", "recordClass eA==", "filetype =")),
        "content-type": fc.constantFrom("application/offset+octet-stream", "application/cose", "text/plain"),
      },
      { requiredKeys: ["tus-resumable"] },
    ),
    bytes,
  );
  await sendAll(
    request,
    ([how, id, headers, payload]) => ({
      method: how as "POST",
      url: `/v1/uploads${id === "" ? "" : `/${encodeURIComponent(id.toWellFormed())}`}`,
      headers: {
        authorization,
        ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, clean(value)])),
      },
      ...(how === "PATCH" || how === "POST" ? { payload: Buffer.from(payload) } : {}),
    }),
    2_000,
  );
  const { id } = await vault.begin({ who: "administrator", size: 0 });
  await vault.append(id, 0, []);
  await sendAll(fc.oneof(mutated, bytes), post(`/v1/uploads/${id}/commit`, "application/cose"), 2_000);
});

test("methods, content types and headers of any kind", async () => {
  const method = fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS") as fc.Arbitrary<
    NonNullable<InjectOptions["method"]>
  >;
  const url = fc.constantFrom(
    "/",
    "/v1/entries",
    "/entries",
    "/v1/issuers",
    "/v1/status",
    "/log/checkpoint",
    "/healthz",
    "/docs",
    "/nothing",
  );
  const type = fc.oneof(
    fc.constantFrom("application/cbor", "application/cose; x=y", "application/json", "text/plain", ""),
    fc.stringMatching(/^[ -~]{0,30}$/),
  );
  const token = fc.stringMatching(/^[ -~]{0,40}$/);
  await sendAll(
    fc.tuple(method, url, type, token, bytes),
    ([how, where, contentType, authorization, payload]) => ({
      method: how as "GET",
      url: where,
      headers: { "content-type": contentType, authorization },
      ...(how === "GET" || how === "HEAD" ? {} : { payload: Buffer.from(payload) }),
    }),
    4_000,
  );
});

test("the server is whole after all that: it registers, proves, and holds no body", async () => {
  assert.equal((await app.inject({ method: "GET", url: "/readyz" })).statusCode, 200);
  const { outcomes } = await notary.register([seeds[1] as Uint8Array]);
  assert.ok(outcomes.every((outcome) => !("error" in outcome)));
  assert.ok((await notary.proofFile(0)).length > 0);
});
