import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CborMap,
  checkNote,
  decodeCbor,
  encodeBase64Url,
  encodeCoseKey,
  encodeHex,
  encodeNamedCoseKey,
  entriesPath,
  equalBytes,
  keyThumbprint,
  leafHash,
  parseCheckpoint,
  parseCoseKey,
  parseEntryBundle,
  parseKeySet,
  parseNote,
  parseProofFile,
  parseStatement,
  parseVerifierKey,
  tilePath,
  verify,
} from "@attestry/core";
import { mirror } from "../../../core/test-kit/mirror.ts";
import { bytesOf, createIssuer, now, postCbor, postJson, randomDigest, startTestServer, trustIn } from "../testing.ts";

interface EntryAnswer {
  readonly index: number;
  readonly hash: string;
  readonly leafHash: string;
}
interface Page {
  readonly entries: EntryAnswer[];
  readonly next?: string;
}

test("status names the log, its keys and its size", async (t) => {
  const server = await startTestServer(t, { origin: "log.example/1" });
  await server.batch([await server.issuer.statement()]);
  const status = (await (await server.fetch("/v1/status")).json()) as Record<string, unknown>;
  assert.deepEqual([status["origin"], status["treeSize"]], ["log.example/1", 1]);
  assert.deepEqual(
    (status["verifierKeys"] as string[]).map((key) => parseVerifierKey(key).name),
    ["log.example/1", "log.example/1"],
  );
  assert.equal(status["rootHash"], encodeHex(server.notary.status.head.rootHash));
  assert.ok(Math.abs(Date.parse(String(status["checkpointTime"])) / 1000 - now()) < 60);
  assert.deepEqual([status["witnesses"], status["queue"]], [[], { entries: 0, bytes: 0 }]);
});

test("the origin of a new log comes from its key and stays", async (t) => {
  const first = await startTestServer(t);
  assert.match(first.notary.origin, /^attestry\.localhost\/[0-9a-f]{8}$/);
  await first.close();
  const second = await startTestServer(t, { data: first.data });
  assert.equal(second.notary.origin, first.notary.origin);
});

test("entries are found by hash, issuer, subject, relation and time, newest first, a page at a time", async (t) => {
  const server = await startTestServer(t);
  const other = createIssuer();
  await server.notary.issuers.addKey(other.signer.publicKey);
  const digest = randomDigest();
  const a = await server.issuer.statement({ digest, subject: "deed 1", contentType: "application/pdf" });
  const target = leafHash(parseStatement(a).entry);
  const relation = { kind: "revokes", target, reason: "wrong parcel" } as const;
  const b = await server.issuer.statement({ subject: "deed 1", relation });
  await server.batch([a, b, await other.statement({ digest, subject: "deed 2" })]);
  const find = async (query: string): Promise<number[]> => {
    const response = await server.fetch(`/v1/entries?${query}`);
    assert.equal(response.status, 200, query);
    return ((await response.json()) as Page).entries.map(({ index }) => index);
  };
  assert.deepEqual(await find(""), [2, 1, 0]);
  assert.deepEqual(await find(`hash=${encodeHex(digest)}`), [2, 0]);
  assert.deepEqual(await find("subject=deed%201"), [1, 0]);
  assert.deepEqual(await find(`issuer=${encodeURIComponent(other.name)}`), [2]);
  assert.deepEqual(await find(`issuer=${encodeURIComponent(other.name)}&hash=${encodeHex(digest)}`), [2]);
  assert.deepEqual(await find(`relatesTo=${encodeHex(target)}`), [1]);
  assert.deepEqual(await find(`hash=${encodeHex(randomDigest())}`), []);
  const soon = new Date(Date.now() + 60_000).toISOString();
  const ago = new Date(Date.now() - 60_000).toISOString();
  assert.deepEqual(await find(`from=${ago}&to=${soon}`), [2, 1, 0]);
  assert.deepEqual(await find(`to=${ago}`), []);
  assert.deepEqual(await find(`from=${soon}`), []);
  const [entry] = ((await (await server.fetch(`/v1/entries?relatesTo=${encodeHex(target)}`)).json()) as Page).entries;
  assert.deepEqual((entry as { relation?: unknown }).relation, {
    kind: "revokes",
    target: encodeHex(target),
    reason: "wrong parcel",
  });

  const seen: number[] = [];
  let next: string | undefined;
  do {
    const page = (await (
      await server.fetch(`/v1/entries?limit=1${next === undefined ? "" : `&cursor=${next}`}`)
    ).json()) as Page;
    assert.ok(page.entries.length <= 1);
    seen.push(...page.entries.map(({ index }) => index));
    next = page.next;
  } while (next !== undefined);
  assert.deepEqual(seen, [2, 1, 0]);
});

test("queries and indexes that make no sense are refused, and entries that are not there are not found", async (t) => {
  const server = await startTestServer(t);
  await server.batch([await server.issuer.statement()]);
  const malformed = [
    "hash=12", `hash=${"A".repeat(64)}`, "limit=0", "limit=501", "limit=x", "cursor=-1", "cursor=01", "cursor=1e3",
    "from=yesterday", "to=2026-13-01", "subject=", "unknown=1", `issuer=${"x".repeat(513)}`, "hash=1&hash=2",
  ]; // biome-ignore format: one line reads better
  for (const query of malformed) {
    const response = await server.fetch(`/v1/entries?${query}`);
    assert.equal(response.status, 400, query);
    assert.equal(((await response.json()) as { code: string }).code, "MALFORMED_REQUEST", query);
  }
  for (const index of ["-1", "01x", "1.5", "9007199254740993", "%00", "x".repeat(300)]) {
    const response = await server.fetch(`/v1/entries/${index}`);
    assert.ok([400, 404, 414].includes(response.status), `${index}: ${response.status}`);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
  }
  for (const path of [
    "/v1/entries/1",
    "/v1/entries/1/proof",
    "/v1/entries/9007199254740991",
    "/nothing",
    "/v1/entries/0/else",
  ]) {
    const response = await server.fetch(path);
    assert.equal(response.status, 404, path);
    assert.equal(((await response.json()) as { code: string }).code, "NOT_FOUND");
  }
});

test("a proof file verifies, and is refreshed with later statements of its issuer", async (t) => {
  const server = await startTestServer(t);
  const digest = randomDigest();
  const statement = await server.issuer.statement({ digest });
  await server.batch([statement]);
  const trust = trustIn(server.notary);
  const fresh = await server.fetch("/v1/entries/0/proof");
  assert.equal(fresh.headers.get("content-type"), "application/cose");
  assert.equal((await verify({ proof: await bytesOf(fresh), digest, trust })).verdict, "verified");

  const target = leafHash(parseStatement(statement).entry);
  const stranger = createIssuer();
  await server.notary.issuers.addKey(stranger.signer.publicKey);
  const revoke = { kind: "revokes", target, reason: "wrong parcel" } as const;
  // A stranger's many remarks must not crowd out the issuer's own.
  await server.batch([await server.issuer.statement({ relation: revoke })]);
  await server.batch(await Promise.all(Array.from({ length: 30 }, () => stranger.statement({ relation: revoke }))));
  const proof = await bytesOf(await server.fetch("/v1/entries/0/proof"));
  const report = await verify({ proof, digest, trust });
  assert.equal(report.verdict, "revoked");
  assert.equal(report.later[0]?.reason, "wrong parcel");
  assert.ok(parseProofFile(proof).later.length <= 16);
});

test("whoever registers a mirrored copy of a revoked statement gets a proof that says it is revoked", async (t) => {
  const server = await startTestServer(t);
  const digest = randomDigest();
  const statement = await server.issuer.statement({ digest });
  const target = leafHash(parseStatement(statement).entry);
  const relation = { kind: "revokes", target, reason: "wrong parcel" } as const;
  await server.batch([statement, await server.issuer.statement({ relation })]);
  await server.batch([mirror(statement)]);
  for (const index of [0, 2]) {
    const proof = await bytesOf(await server.fetch(`/v1/entries/${index}/proof`));
    assert.equal((await verify({ proof, digest, trust: trustIn(server.notary) })).verdict, "revoked");
  }
});

test("an entry's proof keeps the time of its registration, however late it is asked for", async (t) => {
  let time = Date.now() - 5_000_000;
  const server = await startTestServer(t, { clock: () => time });
  const digest = randomDigest();
  await server.batch([await server.issuer.statement({ digest, issuedAt: Math.floor(time / 1000) })]);
  const registered = Math.floor(time / 1000);
  time += 4_000_000;
  await server.batch([await server.issuer.statement({ issuedAt: registered })]);
  const report = await verify({
    proof: await bytesOf(await server.fetch("/v1/entries/0/proof")),
    digest,
    trust: trustIn(server.notary),
  });
  assert.deepEqual([report.verdict, report.notAfter?.time], ["verified", registered]);
});

test("SCRAPI: the key set holds the receipt key, also by its kid", async (t) => {
  const server = await startTestServer(t);
  const set = await server.fetch("/.well-known/scitt-keys");
  assert.equal(set.status, 200);
  assert.deepEqual(parseKeySet(await bytesOf(set)), [server.notary.receiptKey]);
  const kid = encodeBase64Url(keyThumbprint(server.notary.receiptKey));
  const one = await server.fetch(`/.well-known/scitt-keys/${kid}`);
  assert.deepEqual(await bytesOf(one), encodeNamedCoseKey(server.notary.receiptKey));
  assert.ok(parseCoseKey(encodeCoseKey(server.notary.receiptKey)));
  for (const [wrong, status] of [
    [encodeBase64Url(randomDigest()), 404],
    ["*", 400],
  ] as const) {
    const response = await server.fetch(`/.well-known/scitt-keys/${wrong}`);
    assert.equal(response.status, status);
    assert.equal(response.headers.get("content-type"), "application/concise-problem-details+cbor");
  }
  const none = await server.fetch("/entries/0");
  assert.equal(none.status, 404);
  assert.equal((decodeCbor(await bytesOf(none)) as CborMap).get("code"), "NOT_FOUND");
});

test("tlog-tiles: the checkpoint is signed, tiles and bundles are exact, full ones are cached for good", async (t) => {
  const server = await startTestServer(t);
  const statements = await Promise.all(Array.from({ length: 300 }, () => server.issuer.statement()));
  const { entries } = await server.batch(statements);
  const response = await server.fetch("/log/checkpoint");
  assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
  const note = parseNote(await bytesOf(response));
  const { verified } = await checkNote(note, server.notary.verifierKeys.map(parseVerifierKey));
  assert.equal(verified.length, 2);
  assert.equal(parseCheckpoint(note.text).size, 300);

  const read = async (path: string): Promise<Uint8Array> => {
    const answer = await server.fetch(`/log/${path}`);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers.get("content-type"), "application/octet-stream");
    assert.equal(answer.headers.get("cache-control")?.includes("immutable"), !path.includes(".p/"), path);
    return bytesOf(answer);
  };
  const leaves = entries.map((entry) => entry.get("leafHash") as Uint8Array);
  assert.ok(equalBytes(await read(tilePath(0, 0, 256)), Buffer.concat(leaves.slice(0, 256))));
  assert.ok(equalBytes(await read(tilePath(0, 1, 44)), Buffer.concat(leaves.slice(256))));
  assert.ok(
    equalBytes(await read(tilePath(0, 1, 7)), Buffer.concat(leaves.slice(256, 263))),
    "a narrower one is a prefix",
  );
  assert.equal((await read(tilePath(1, 0, 1))).length, 32);
  const bundle = [
    ...parseEntryBundle(await read(entriesPath(0, 256)), 256),
    ...parseEntryBundle(await read(entriesPath(1, 44)), 44),
  ];
  assert.deepEqual(bundle.map(leafHash), leaves);
  const missing = ["tile/0/001", "tile/0/001.p/45", "tile/1/000.p/2", "tile/1/000", "tile/2/000.p/1", "tile/0/002.p/1", "tile/0/1", "tile/00/000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/64/000", "tile/entries/001", "tile/x/y", "tile/", "else"]; // biome-ignore format: one line reads better
  for (const path of missing) assert.equal((await server.fetch(`/log/${path}`)).status, 404, path);
});

test("only the administrator's token enrols and revokes, and everyone can see who is enrolled", async (t) => {
  const server = await startTestServer(t);
  const issuer = createIssuer();
  const key = encodeBase64Url(encodeCoseKey(issuer.signer.publicKey));
  for (const token of [undefined, "", "wrong", `${server.token}x`, server.token.slice(1)]) {
    const response = await server.fetch("/v1/issuers", postJson({ key }, token));
    assert.equal(response.status, 401, String(token));
    assert.equal(((await response.json()) as { code: string }).code, "POLICY_UNAUTHORISED");
    assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer/);
  }
  const enrolled = await server.fetch("/v1/issuers", postJson({ issuer: "https://kent.example", key }, server.token));
  const { id } = (await enrolled.json()) as { id: string };
  assert.equal(enrolled.status, 200);
  assert.equal(
    (await server.fetch("/v1/issuers", postJson({ issuer: "https://kent.example", key }, server.token))).status,
    200,
  );
  const clash = await server.fetch("/v1/issuers", postJson({ issuer: "https://other.example", key }, server.token));
  assert.deepEqual([clash.status, ((await clash.json()) as { code: string }).code], [409, "CONFLICT_EXISTS"]);
  assert.equal(
    (await server.batch([await issuer.statement({ issuer: "https://kent.example" })])).entries[0]?.get("isNew"),
    true,
  );

  assert.equal((await server.fetch(`/v1/issuers/${id}/revoke`, postJson({ reason: "left" }))).status, 401);
  const revoked = await server.fetch(`/v1/issuers/${id}/revoke`, postJson({ reason: "left" }, server.token));
  assert.equal(((await revoked.json()) as { reason: string }).reason, "left");
  assert.equal(
    (await server.fetch(`/v1/issuers/${id}/revoke`, postJson({ reason: "again" }, server.token))).status,
    404,
  );
  const { issuers } = (await (await server.fetch("/v1/issuers")).json()) as {
    issuers: { id: string; reason?: string; issuer: string }[];
  };
  assert.deepEqual(
    issuers.filter((one) => one.id === id).map((one) => [one.issuer, one.reason]),
    [["https://kent.example", "left"]],
  );
  const text = JSON.stringify(issuers);
  assert.ok(!text.includes(server.token));
});

test("an enrolment that makes no sense is refused with its own code", async (t) => {
  const server = await startTestServer(t);
  const expected: [unknown, number, string][] = [
    [{}, 400, "MALFORMED_REQUEST"],
    [{ issuer: "x" }, 400, "MALFORMED_REQUEST"],
    [{ key: "AAAA", extra: 1 }, 400, "MALFORMED_REQUEST"],
    [{ key: "!" }, 400, "MALFORMED_REQUEST"],
    [{ key: "AAAA" }, 400, "MALFORMED_KEY"],
    [{ certificateRoot: "no certificate" }, 400, "MALFORMED_CERTIFICATE"],
    [{ issuer: "", key: "AAAA" }, 400, "MALFORMED_REQUEST"],
  ];
  for (const [body, status, code] of expected) {
    const response = await server.fetch("/v1/issuers", postJson(body, server.token));
    assert.deepEqual(
      [response.status, ((await response.json()) as { code: string }).code],
      [status, code],
      JSON.stringify(body),
    );
  }
  const bad = await server.fetch("/v1/issuers", { ...postJson({}, server.token), body: "{" });
  assert.equal(bad.status, 400);
  assert.equal((await server.fetch("/v1/issuers/short/revoke", postJson({ reason: "x" }, server.token))).status, 400);
});

test("a notary that cannot register is not ready, and says why, until it can again", async (t) => {
  const now = Date.now();
  let time = now;
  const server = await startTestServer(t, { clock: () => time });
  const register = async (): Promise<number> => {
    const statement = await server.issuer.statement({ issuedAt: Math.floor(now / 1000) - 3600 });
    return (await server.fetch("/v1/entries", postCbor([statement]))).status;
  };
  assert.equal(await register(), 200);
  time = now - 600_000;
  assert.equal(await register(), 500);
  const unready = await server.fetch("/readyz");
  assert.deepEqual([unready.status, ((await unready.json()) as { code: string }).code], [500, "FATAL_CLOCK"]);
  time = now;
  assert.equal(await register(), 200);
  assert.equal((await server.fetch("/readyz")).status, 200);
});

test("health, readiness and metrics are there for machines", async (t) => {
  const server = await startTestServer(t);
  await server.batch([await server.issuer.statement(), Uint8Array.of(1)]);
  assert.equal(await (await server.fetch("/healthz")).text(), "ok\n");
  assert.equal(await (await server.fetch("/readyz")).text(), "ready\n");
  const metrics = await (await server.fetch("/metrics")).text();
  for (const line of [
    "attestry_tree_size 1",
    'attestry_registrations_total{outcome="new"} 1',
    'attestry_refusals_total{code="MALFORMED_STATEMENT"} 1',
    "attestry_batch_entries_count 1",
    "attestry_queue_entries 0",
  ]) {
    assert.ok(metrics.includes(`${line}\n`), `${line} in\n${metrics}`);
  }
});

test("the OpenAPI document names every route, and the pages bring no script and no outside asset", async (t) => {
  const server = await startTestServer(t);
  const document = (await (await server.fetch("/openapi.json")).json()) as {
    openapi: string;
    paths: Record<string, object>;
  };
  assert.match(document.openapi, /^3\.1\./);
  for (const path of [
    "/v1/entries",
    "/v1/entries/{index}/proof",
    "/v1/issuers/{id}/revoke",
    "/entries",
    "/.well-known/scitt-keys",
    "/log/checkpoint",
    "/v1/status",
    "/metrics",
  ]) {
    assert.ok(path in document.paths, path);
  }
  for (const path of ["/", "/docs"]) {
    const response = await server.fetch(path);
    const page = await response.text();
    assert.match(response.headers.get("content-security-policy") ?? "", /^default-src 'none'; style-src 'sha256-/);
    assert.ok(!/<script|src=|https?:\/\/(?!notary)/.test(page), path);
  }
  assert.ok((await (await server.fetch("/docs")).text()).includes("/v1/entries/{index}/proof"));
  assert.ok((await (await server.fetch("/")).text()).includes(server.notary.origin));
});
