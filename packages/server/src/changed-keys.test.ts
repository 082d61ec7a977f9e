/** A client that runs on while the keys of the log behind its notary's address change. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { AttestryError, type QuotedCheckpoint, verify } from "@attestry/core";
import { createNotaryClient, type NotaryClient, type NotaryStatus } from "@attestry/core/client";
import { startTestServer, type TestServer, trustIn } from "./testing.ts";

interface Place {
  readonly notary: NotaryClient;
  /** What the client asked for so far. */
  readonly asked: string[];
  /** From now on another notary is behind the address. */
  moveTo(server: TestServer): void;
}

/** One client, and an address behind which notaries change. */
function placeOf(first: TestServer, checkKeys?: (status: NotaryStatus) => void): Place {
  let behind = first;
  const asked: string[] = [];
  const through: typeof fetch = (input, init) => {
    const { pathname } = new URL(String(input));
    asked.push(pathname);
    return fetch(behind.url + pathname, init);
  };
  const url = "http://notary.example";
  return {
    notary: createNotaryClient({ url, fetch: through, ...(checkKeys && { checkKeys }) }),
    asked,
    moveTo(server) {
      behind = server;
    },
  };
}

const origin = "log.example/a";

async function servers(t: TestContext, origins: readonly string[]): Promise<[TestServer, TestServer, TestServer]> {
  const started = origins.map(async (one) => {
    const server = await startTestServer(t, { origin: one });
    await server.batch([await server.issuer.statement()]);
    return server;
  });
  return (await Promise.all(started)) as [TestServer, TestServer, TestServer];
}

const keysAsked = ({ asked }: Place): number => asked.filter((path) => path === "/.well-known/scitt-keys").length;

test("a log's new keys are asked for once, by whatever meets them, and its answers hold under them", async (t) => {
  const [old, now] = await servers(t, [origin, origin]);
  const place = placeOf(old);
  const { notary } = place;
  await notary.register([await old.issuer.statement()]);
  place.moveTo(now);
  const answers = await Promise.all([
    notary.register([await now.issuer.statement()]),
    notary.register([await now.issuer.statement()]),
    notary.newestCheckpoint(),
  ]);
  assert.equal(keysAsked(place), 2);
  const [registration] = answers[0];
  assert.ok(registration !== undefined && "proof" in registration);
  const { verdict } = await verify({ proof: registration.proof, trust: trustIn(now.notary) });
  assert.equal(verdict, "incomplete", "all holds, but there was no file");
  assert.equal((await notary.receiptKey()).bytes.toHex(), now.notary.receiptKey.bytes.toHex());
  await notary.register([await now.issuer.statement()]);
  assert.equal(keysAsked(place), 2);
});

test("keys are asked for again no more than once a minute, whatever a notary answers", async (t) => {
  const [old, now, next] = await servers(t, [origin, origin, origin]);
  const place = placeOf(old);
  const { notary } = place;
  const newest = (): Promise<QuotedCheckpoint | undefined> => notary.newestCheckpoint();
  let clock = 1_000_000;
  t.mock.method(performance, "now", () => clock);
  await newest();
  place.moveTo(now);
  await newest();
  place.moveTo(next);
  for (let turn = 0; turn < 5; turn++) await assert.rejects(newest(), { code: "VERIFY_UNTRUSTED" });
  await assert.rejects(notary.register([await next.issuer.statement()]), { code: "VERIFY_UNTRUSTED" });
  assert.equal(keysAsked(place), 2);
  clock += 60_000;
  await newest();
  assert.equal(keysAsked(place), 3);
});

test("new keys that are refused are not relied on, and the old ones go on to count", async (t) => {
  const [old, now] = await servers(t, [origin, origin]);
  const met: string[] = [];
  const place = placeOf(old, ({ receiptKey }) => {
    met.push(receiptKey);
    if (receiptKey !== old.notary.receiptKeyUri) throw new AttestryError("VERIFY_UNTRUSTED", "Not the noted keys.");
  });
  const { notary } = place;
  const refused = { code: "VERIFY_UNTRUSTED", message: "Not the noted keys." };
  await notary.newestCheckpoint();
  place.moveTo(now);
  await assert.rejects(notary.newestCheckpoint(), refused);
  await assert.rejects(notary.register([await now.issuer.statement()]), refused);
  assert.deepEqual(met, [old.notary.receiptKeyUri, now.notary.receiptKeyUri]);
  place.moveTo(old);
  assert.equal((await notary.newestCheckpoint())?.size, 1);

  const fresh = placeOf(now, () => {
    throw new AttestryError("VERIFY_UNTRUSTED", "Not the noted keys.");
  });
  await assert.rejects(fresh.notary.register([await now.issuer.statement()]), refused);
  assert.ok(!fresh.asked.includes("/v1/entries"), "nothing is entered where the keys are refused");
});

test("another log behind the address is no new key of the old one", async (t) => {
  const [old, other] = await servers(t, [origin, "log.example/b"]);
  const met: string[] = [];
  const place = placeOf(old, (status) => void met.push(status.origin));
  await place.notary.newestCheckpoint();
  place.moveTo(other);
  const refused = { code: "VERIFY_UNTRUSTED", message: /another log now: log\.example\/b instead of log\.example\/a/ };
  await assert.rejects(place.notary.newestCheckpoint(), refused);
  await assert.rejects(place.notary.register([await other.issuer.statement()]), refused);
  assert.deepEqual(met, [origin], "and is not shown to who notes keys");
});

test("a notary that is away when its keys are asked for again is asked by the next answer", async (t) => {
  const [old, now] = await servers(t, [origin, origin]);
  let away = false;
  let behind = old;
  const notary = createNotaryClient({
    url: "http://notary.example",
    fetch: async (input, init) => {
      const { pathname } = new URL(String(input));
      if (away && pathname === "/v1/status") throw new TypeError("away");
      return fetch(behind.url + pathname, init);
    },
  });
  await notary.newestCheckpoint();
  [behind, away] = [now, true];
  await assert.rejects(notary.newestCheckpoint(), { code: "UNAVAILABLE_SERVER" });
  away = false;
  assert.equal((await notary.newestCheckpoint())?.size, 1);
});
