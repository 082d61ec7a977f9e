// The vault over HTTP: storing, reading by range, custody, holds, erasure, roles; and that memory stays flat.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decodeBase64, encodeHex, sha256 } from "@attestry/core";
import { pino } from "pino";
import { can, type Permission, roles } from "../access/roles.ts";
import { bytesOf, temporaryFolder } from "../testing.ts";
import { codeOf, type ObjectJson, offsetType, randomContent, startVaultServer, tus } from "./vault-testing.ts";

const hashOf = (content: Uint8Array): string => encodeHex(sha256(content));

test("content is put under its hash once its statement is in the log, and only then", async (t) => {
  let now = Date.now();
  const server = await startVaultServer(t, { clock: () => now });
  const content = randomContent(1_200_000);
  const path = `/v1/objects/${hashOf(content)}`;
  const early = await server.ask("PUT", path, { body: content });
  assert.deepEqual([early.status, await codeOf(early)], [404, "NOT_FOUND"]);
  await server.batch([await server.statementOf(content)]);
  const wrong = await server.ask("PUT", path, { body: randomContent(1_200_000) });
  assert.deepEqual([wrong.status, await codeOf(wrong)], [422, "VERIFY_DIGEST"]);
  assert.equal((await server.ask("GET", path)).status, 404, "nothing is visible of what was refused");
  const put = await server.ask("PUT", `${path}?purpose=intake`, {
    body: content,
    headers: { "content-type": "video/mp4" },
  });
  const object = (await put.json()) as ObjectJson & { contentType: string };
  assert.deepEqual([put.status, object.hash, object.contentType], [200, hashOf(content), "video/mp4"]);
  assert.deepEqual(await bytesOf(await server.ask("GET", `${path}/content`)), content);
  now += 8 * 86_400_000;
  const swept = await server.ask("POST", "/v1/vault/sweep", { body: {} });
  assert.deepEqual(await swept.json(), { uploads: 0, orphans: 0 }, "what was refused left nothing behind");
});

test("a statement counts wherever it is among the log's pages, also behind one that is empty and goes on", async (t) => {
  const server = await startVaultServer(t);
  const content = randomContent(1000);
  const path = `/v1/objects/${hashOf(content)}`;
  const { find } = server.notary;
  const asked: (number | undefined)[] = [];
  const pages = [9000, 4000];
  Object.assign(server.notary, {
    async find(query: Parameters<typeof find>[0]): ReturnType<typeof find> {
      const next = pages[asked.length];
      asked.push(query.below);
      return next === undefined ? find(query) : { entries: [], next };
    },
  });
  const early = await server.ask("PUT", path, { body: content });
  assert.deepEqual([early.status, await codeOf(early), asked], [404, "NOT_FOUND", [undefined, 9000, 4000]]);
  await server.batch([await server.statementOf(content)]);
  asked.length = 0;
  assert.equal((await server.ask("PUT", path, { body: content })).status, 200);
  assert.deepEqual(asked, [undefined, 9000, 4000]);
});

test("a range is what a player asks for; content never becomes a page of the notary", async (t) => {
  const server = await startVaultServer(t);
  const content = randomContent(3_300_000);
  const { id } = await server.store(content, { type: "text/html" });
  const get = (range?: string, method = "GET"): Promise<Response> =>
    server.ask(method, `/v1/objects/${id}/content`, range === undefined ? {} : { headers: { range } });
  const whole = await get();
  assert.equal(whole.status, 200);
  assert.deepEqual(await bytesOf(whole), content);
  const expected = {
    "accept-ranges": "bytes",
    "content-length": "3300000",
    "content-type": "text/html",
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "cache-control": "private, no-store",
    etag: `"${hashOf(content)}"`,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(whole.headers.get(name), value, name);
  for (const [range, start, end] of [
    ["bytes=0-0", 0, 1],
    ["bytes=0-1048575", 0, 1_048_576],
    ["bytes=1048500-1048700", 1_048_500, 1_048_701],
    ["bytes=3299999-", 3_299_999, 3_300_000],
    ["bytes=-70000", 3_230_000, 3_300_000],
    ["bytes=5-99999999", 5, 3_300_000],
  ] as const) {
    const part = await get(range);
    assert.equal(part.status, 206, range);
    assert.equal(part.headers.get("content-range"), `bytes ${start}-${end - 1}/3300000`);
    assert.deepEqual(await bytesOf(part), content.subarray(start, end), range);
  }
  const several = await get("bytes=0-1,5-6");
  assert.deepEqual([several.status, (await bytesOf(several)).length], [200, 3_300_000]);
  const beyond = await get("bytes=3300000-");
  assert.deepEqual([beyond.status, beyond.headers.get("content-range")], [416, "bytes */3300000"]);
  const head = await get(undefined, "HEAD");
  assert.deepEqual([head.status, head.headers.get("content-length")], [200, "3300000"]);
});

test("who did what, when and why is listed, each event with the entry that has its hash", async (t) => {
  const server = await startVaultServer(t);
  const content = randomContent(100);
  const { id, hash } = await server.store(content);
  const reader = await server.tokenFor("R. Ortiz", "reader");
  for (const _twice of [1, 2]) {
    await bytesOf(await server.ask("GET", `/v1/objects/${id}/content?purpose=case+7`, { token: reader }));
  }
  await server.ask("HEAD", `/v1/objects/${id}/content`, { token: reader });
  const exported = await server.ask("POST", `/v1/objects/${hash}/export`, { body: { purpose: "request 88" } });
  assert.deepEqual(await bytesOf(exported), content);
  const custody = await server.ask("GET", `/v1/objects/${hash}/custody`);
  const { issuer, events } = (await custody.json()) as { issuer: string; events: Record<string, string & number>[] };
  assert.deepEqual(
    events.map(({ action, who, purpose }) => [action, who, purpose]),
    [
      ["stored", "administrator", "filing"],
      ["read", "R. Ortiz", "case 7"],
      ["exported", "administrator", "request 88"],
    ],
    "reading twice within a quarter of an hour is one event, and asking for the headers is none",
  );
  for (const { entryIndex, event, inLog } of events) {
    const { statement } = await server.notary.entry(entryIndex ?? -1);
    assert.equal(encodeHex(statement.digest), hashOf(decodeBase64(event ?? "", "MALFORMED_REQUEST")));
    assert.deepEqual([statement.issuer, inLog], [issuer, true]);
  }
});

test("a hold keeps a record from erasure until its order lifts it; erasure leaves the thumbprint", async (t) => {
  const server = await startVaultServer(t);
  const { id, hash } = await server.store(randomContent(500));
  const act = async (what: string, body: object): Promise<[number, unknown]> => {
    const response = await server.ask("POST", `/v1/objects/${hash}/${what}`, { body });
    const json = (await response.json()) as Record<string, unknown>;
    return [response.status, json["code"] ?? json["holds"]];
  };
  const purpose = "litigation";
  assert.deepEqual(await act("hold", { order: "case 7", purpose }), [200, ["case 7"]]);
  assert.deepEqual(await act("hold", { order: "case 7", purpose }), [200, ["case 7"]]);
  assert.deepEqual(await act("hold", { order: "case 9", purpose }), [200, ["case 7", "case 9"]]);
  assert.deepEqual(await act("erase", { order: "order 1", purpose }), [403, "POLICY_RETAINED"]);
  const held = await server.ask("POST", `/v1/objects/${id}/erase`, { body: { order: "order 1", purpose } });
  const { detail, data } = (await held.json()) as { detail: string; data: unknown };
  assert.deepEqual(data, { holds: ["case 7", "case 9"] });
  assert.match(detail, /forbids erasing this: case 7; case 9\./);
  assert.deepEqual(await act("release", { order: "case 8", purpose }), [404, "NOT_FOUND"]);
  assert.deepEqual(await act("release", { order: "case 7", purpose }), [200, ["case 9"]]);
  assert.deepEqual(await act("erase", { order: "order 1", purpose }), [403, "POLICY_RETAINED"]);
  assert.deepEqual(await act("release", { order: "case 9", purpose }), [200, []]);
  assert.deepEqual(await act("erase", { order: "order 1", purpose }), [200, []]);
  assert.deepEqual(await act("hold", { order: "case 7", purpose }), [410, "POLICY_ERASED"]);
  for (const [method, path] of [
    ["GET", "content"],
    ["POST", "export"],
  ] as const) {
    const body = method === "POST" ? { body: { purpose } } : {};
    const gone = await server.ask(method, `/v1/objects/${id}/${path}`, body);
    assert.deepEqual([gone.status, await codeOf(gone)], [410, "POLICY_ERASED"]);
  }
  const object = (await (await server.ask("GET", `/v1/objects/${id}`)).json()) as ObjectJson;
  assert.deepEqual([object.state, object.hash], ["erased", hash]);
  for (const body of [{}, { order: "", purpose }, { order: "a\u0000b", purpose }, { order: "a", purpose, more: 1 }])
    assert.deepEqual(await act("hold", body), [400, "MALFORMED_REQUEST"], JSON.stringify(body));
});

test("a record class keeps its records, and a record moves only to one that keeps it as long", async (t) => {
  const data = temporaryFolder(t);
  writeFileSync(join(data, "vault.json"), JSON.stringify({ recordClasses: { bodycam: 30, deeds: "forever" } }));
  let now = Date.now();
  const server = await startVaultServer(t, { data, clock: () => now });
  const classes = (await (await server.ask("GET", "/v1/record-classes")).json()) as { recordClasses: unknown };
  assert.deepEqual(classes.recordClasses, [
    { name: "general", retention: 0 },
    { name: "bodycam", retention: 30 * 86_400 },
    { name: "deeds", retention: "forever" },
  ]);
  const { id } = await server.store(randomContent(10), { recordClass: "bodycam" });
  const act = async (what: string, body: object): Promise<unknown> => {
    const response = await server.ask("POST", `/v1/objects/${id}/${what}`, { body: { purpose: "x", ...body } });
    const json = (await response.json()) as Record<string, unknown>;
    return json["code"] ?? json["recordClass"];
  };
  assert.equal(await act("erase", { order: "1" }), "POLICY_RETAINED");
  assert.equal(await act("reclassify", { recordClass: "general" }), "POLICY_RETAINED");
  assert.equal(await act("reclassify", { recordClass: "nowhere" }), "MALFORMED_REQUEST");
  const kept = await server.ask("POST", `/v1/objects/${id}/erase`, { body: { purpose: "x", order: "1" } });
  const why = ((await kept.json()) as { data: Record<string, string> }).data;
  assert.equal(why["recordClass"], "bodycam");
  assert.equal(Date.parse(why["retainUntil"] ?? ""), Math.floor(now / 1000) * 1000 + 30 * 86_400_000);
  assert.equal(await act("reclassify", { recordClass: "deeds" }), "deeds");
  now += 40 * 86_400_000;
  assert.equal(await act("erase", { order: "1" }), "POLICY_RETAINED");
});

test("an administrator adds and changes record classes: recorded, kept in vault.json, and only for what is stored from then on", async (t) => {
  const data = temporaryFolder(t);
  const config = { recordClasses: { bodycam: 30 }, keys: { kind: "keyring" } };
  writeFileSync(join(data, "vault.json"), JSON.stringify(config));
  const server = await startVaultServer(t, { data });
  const token = await server.tokenFor("clerk of the court", "administrator");
  const early = await server.store(randomContent(10), { recordClass: "bodycam" });
  const set = async (body: object): Promise<unknown> => {
    const response = await server.ask("POST", "/v1/record-classes", { token, body });
    const json = (await response.json()) as Record<string, unknown>;
    return json["code"] ?? json["recordClasses"];
  };
  assert.deepEqual(await Promise.all([set({ name: "deeds", retention: "forever" }), set({ name: "bodycam", retention: 86_400 })]).then(([, all]) => all), [
    { name: "general", retention: 0 },
    { name: "bodycam", retention: 86_400 },
    { name: "deeds", retention: "forever" },
  ]); // biome-ignore format: both at once
  assert.ok(Array.isArray(await set({ name: "deeds", retention: "forever" })), "again: nothing to record");
  const { actions } = (await (await server.ask("GET", "/v1/actions")).json()) as {
    actions: { action: string; who: string; facts: object }[];
  };
  assert.deepEqual(
    actions
      .slice(0, 2)
      .map(({ action, who, facts }) => ({ action, who, facts }))
      .toSorted((a, b) => a.action.localeCompare(b.action)),
    [
      { action: "class-added", who: "clerk of the court", facts: { name: "deeds", retention: "forever" } },
      {
        action: "class-changed",
        who: "clerk of the court",
        facts: { name: "bodycam", retention: 86_400, before: 30 * 86_400 },
      },
    ],
  );
  assert.deepEqual(JSON.parse(readFileSync(join(data, "vault.json"), "utf8")), {
    recordClasses: { bodycam: 1, deeds: "forever" },
    keys: { kind: "keyring" },
  });
  const late = await server.store(randomContent(10), { recordClass: "bodycam" });
  const daysOf = async ({ id }: { id: string }): Promise<number> => {
    const { storedAt, retainUntil } = (await (await server.ask("GET", `/v1/objects/${id}`)).json()) as Record<
      "storedAt" | "retainUntil",
      string
    >;
    return (Date.parse(retainUntil) - Date.parse(storedAt)) / 86_400_000;
  };
  assert.deepEqual([await daysOf(early), await daysOf(late)], [30, 1]);
  const wrong = [
    { name: "Deeds", retention: 1 },
    { name: "", retention: 1 },
    { name: "__proto__", retention: 1 },
    { name: "deeds", retention: -1 },
    { name: "deeds", retention: 1.5 },
    { name: "deeds", retention: "for ever" },
    { name: "deeds", retention: 1, more: 1 },
    { name: "deeds" },
  ];
  for (const body of wrong) assert.equal(await set(body), "MALFORMED_REQUEST", JSON.stringify(body));
  for (const role of ["reader", "creator", "custodian", "auditor"] as const) {
    const other = await server.tokenFor(`a ${role}`, role);
    const refused = await server.ask("POST", "/v1/record-classes", { token: other, body: { name: "x", retention: 0 } });
    assert.equal(refused.status, 403, role);
  }
  // a file that the operator is in the middle of editing is not written over
  writeFileSync(join(data, "vault.json"), "{");
  assert.equal(await set({ name: "permits", retention: 0 }), "USAGE");
  assert.equal(readFileSync(join(data, "vault.json"), "utf8"), "{");
  writeFileSync(join(data, "vault.json"), JSON.stringify({ recordClasses: { bodycam: 1 } }));
  assert.deepEqual(
    ((await set({ name: "permits", retention: 0 })) as { name: string }[]).map(({ name }) => name),
    ["general", "bodycam", "deeds", "permits"],
  );
});

test("records with the same content are changed by their ids alone", async (t) => {
  const server = await startVaultServer(t);
  const content = randomContent(50);
  const [first, second] = [
    await server.store(content, { subject: "A" }),
    await server.store(content, { subject: "B" }),
  ];
  const body = { order: "case 7", purpose: "x" };
  const byHash = await server.ask("POST", `/v1/objects/${first.hash}/hold`, { body });
  assert.deepEqual([byHash.status, await codeOf(byHash)], [409, "CONFLICT_EXISTS"]);
  assert.equal((await server.ask("POST", `/v1/objects/${first.id}/hold`, { body })).status, 200);
  const found = await server.ask("GET", `/v1/objects?hash=${first.hash}`);
  const { objects } = (await found.json()) as { objects: ObjectJson[] };
  assert.deepEqual(
    objects.map(({ id, holds }) => [id, holds.length]),
    [
      [second.id, 0],
      [first.id, 1],
    ],
  );
  const paged = (await (await server.ask("GET", "/v1/objects?limit=1")).json()) as { next: string };
  const next = await server.ask("GET", `/v1/objects?limit=1&cursor=${paged.next}`);
  assert.equal(((await next.json()) as { objects: ObjectJson[] }).objects[0]?.id, first.id);
});

test("every address lets in the roles that may, and tells the others nothing of what exists", async (t) => {
  const log: string[] = [];
  const logger = pino({ level: "info" }, { write: (line: string) => void log.push(line) });
  const server = await startVaultServer(t, { logger });
  const { id, hash } = await server.store(randomContent(64));
  const path = await server.begin({ "upload-length": "10" });
  const [other, nothing] = ["a".repeat(26), "0".repeat(64)];
  const type = { headers: { ...tus, "content-type": offsetType, "upload-offset": "0" } };
  const routes: readonly (readonly [
    Permission,
    string,
    (at: { id: string; hash: string; path: string }) => string,
    object?,
  ])[] = [
    ["class:read", "GET", () => "/v1/record-classes"],
    ["object:read", "GET", () => "/v1/objects"],
    ["object:read", "GET", (at) => `/v1/objects/${at.id}`],
    ["object:read", "GET", (at) => `/v1/objects/${at.hash}/content`],
    ["object:read", "HEAD", (at) => `/v1/objects/${at.hash}/content`],
    ["object:export", "POST", (at) => `/v1/objects/${at.id}/export`, { body: { purpose: "x" } }],
    ["custody:read", "GET", (at) => `/v1/objects/${at.id}/custody`],
    ["object:hold", "POST", (at) => `/v1/objects/${at.id}/hold`, { body: { order: "o", purpose: "x" } }],
    ["object:hold", "POST", (at) => `/v1/objects/${at.id}/release`, { body: { order: "o", purpose: "x" } }],
    [
      "object:classify",
      "POST",
      (at) => `/v1/objects/${at.id}/reclassify`,
      { body: { recordClass: "general", purpose: "x" } },
    ],
    ["object:store", "PUT", (at) => `/v1/objects/${at.hash}`, { body: new Uint8Array(3) }],
    ["object:store", "POST", () => "/v1/uploads", { headers: { ...tus, "upload-length": "3" } }],
    ["object:store", "HEAD", (at) => at.path, { headers: tus }],
    ["object:store", "GET", (at) => at.path],
    ["object:store", "PATCH", (at) => at.path, { ...type, body: new Uint8Array(3) }],
    [
      "object:store",
      "POST",
      (at) => `${at.path}/commit`,
      { headers: { "content-type": "application/cose" }, body: new Uint8Array(3) },
    ],
    ["object:store", "DELETE", (at) => at.path, { headers: tus }],
    ["vault:manage", "GET", () => "/v1/vault/keys"],
    ["vault:manage", "POST", () => "/v1/vault/keys/rotate", { body: {} }],
    ["vault:manage", "POST", () => "/v1/vault/sweep", { body: {} }],
    ["audit:run", "GET", () => "/v1/audit"],
    ["object:erase", "POST", (at) => `/v1/objects/${at.id}/erase`, { body: { order: "o", purpose: "x" } }],
  ];
  const there = { id, hash, path };
  const elsewhere = { id: other, hash: nothing, path: `/v1/uploads/${other}` };
  for (const role of roles) {
    const token = await server.tokenFor(`a ${role}`, role);
    for (const [permission, method, where, init] of routes) {
      if (can({ roles: new Set([role]) }, permission)) {
        const status = (await server.ask(method, where(elsewhere), { token, ...init })).status;
        assert.ok(status !== 401 && status !== 403 && status < 500, `${role} ${method} ${where(elsewhere)}: ${status}`);
        continue;
      }
      for (const wrong of [token, "atk_unknown"]) {
        const [real, none] = [
          await server.ask(method, where(there), { ...init, token: wrong }),
          await server.ask(method, where(elsewhere), { ...init, token: wrong }),
        ];
        const expected = wrong === token ? 403 : 401;
        assert.deepEqual([real.status, none.status], [expected, expected], `${role} ${method} ${where(there)}`);
        assert.equal(await real.text(), await none.text(), "the answer is the same whether it is there or not");
      }
    }
  }
  const refused = log
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => msg === "access refused");
  assert.ok(refused.some(({ who, permission }) => who === "a reader" && permission === "object:erase"));
  assert.ok(refused.some(({ why, permission }) => why === "unknown token" && permission === "object:read"));
  const state = (await (await server.ask("GET", `/v1/objects/${id}`)).json()) as ObjectJson;
  assert.equal(state.state, "whole", "none of the refused did anything");
});

test("keys rotate while the notary serves, and every record opens under the new key", async (t) => {
  const data = temporaryFolder(t);
  const server = await startVaultServer(t, { data });
  const contents = [1, 2, 3].map((seed) => randomContent(1000 * seed));
  const stored: ObjectJson[] = [];
  for (const content of contents) stored.push(await server.store(content));
  const keys = async (method: string, path = ""): Promise<KeysJson> =>
    (await (
      await server.ask(method, `/v1/vault/keys${path}`, method === "POST" ? { body: { forget: true } } : {})
    ).json()) as KeysJson;
  const before = await keys("GET");
  assert.deepEqual([before.pending, before.rotation.state], [0, "none"]);
  let state = await keys("POST", "/rotate");
  while (state.rotation.state === "running") state = await keys("GET");
  assert.notEqual(state.key, before.key);
  assert.deepEqual([state.pending, state.rotation], [0, { state: "done", done: 3, total: 3 }]);
  await server.close();
  const after = await startVaultServer(t, { data });
  for (const [at, { id }] of stored.entries())
    assert.deepEqual(await bytesOf(await after.ask("GET", `/v1/objects/${id}/content`)), contents[at]);
});

interface KeysJson {
  readonly key: string;
  readonly pending: number;
  readonly rotation: { readonly state: string; readonly done: number; readonly total: number };
}

test("a body of 300 MB passes through with flat memory, in and out", async (t) => {
  const data = temporaryFolder(t);
  const child = fork(join(import.meta.dirname, "memory-child.ts"), [data], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  t.after(() => child.kill("SIGKILL"));
  const [{ grown, isSame }] = (await once(child, "message")) as [{ grown: number; isSame: boolean }];
  assert.ok(isSame, "what came out is what went in");
  assert.ok(grown < 120, `resident memory grew by ${grown} MB`);
});
