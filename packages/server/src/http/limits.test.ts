import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { encodeCbor } from "@attestry/core";
import { postCbor, postCose, startTestServer } from "../testing.ts";
import { createIntake } from "./body.ts";
import { createHttp } from "./fastify.ts";
import { listen, stop } from "./listen.ts";
import { createRateLimiter } from "./rate-limit.ts";

/** A connection of our own, for what no HTTP client would send. */
async function openConnection(url: string): Promise<{ socket: Socket; answer: Promise<string> }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  const answer = new Promise<string>((resolve) => {
    let text = "";
    socket.on("data", (part) => {
      text += part.toString();
    });
    socket.on("error", () => {}); // a reset ends the connection as well
    socket.on("close", () => resolve(text));
  });
  return { socket, answer };
}

test("a client that is slow with its headers is cut off with 408", async (t) => {
  const server = await startTestServer(t, { headersTimeout: 200, requestTimeout: 400 });
  const { socket, answer } = await openConnection(server.url);
  socket.write("POST /v1/entries HTTP/1.1\r\nhost: x\r\nx-slow: ");
  assert.match(await answer, /^HTTP\/1\.1 408 .*application\/problem\+json/s);
});

test("a client that is slow with its body is cut off with 408, and others are served meanwhile", async (t) => {
  const server = await startTestServer(t, { headersTimeout: 1000, requestTimeout: 2000 });
  const slow = await Promise.all(Array.from({ length: 50 }, () => openConnection(server.url)));
  for (const { socket } of slow) {
    socket.write(
      "POST /v1/entries HTTP/1.1\r\nhost: x\r\ncontent-type: application/cbor\r\ncontent-length: 1000\r\n\r\nx",
    );
  }
  assert.equal((await server.batch([await server.issuer.statement()])).entries[0]?.get("isNew"), true);
  for (const { answer } of slow) assert.match(await answer, /^HTTP\/1\.1 408 /);
});

test("a request that came in time is answered, however long the answer takes", async (t) => {
  const { app } = createHttp({ requestTimeout: 100 }, { reading: undefined });
  app.post("/slow", async () => await setTimeout(600, "answered"));
  const url = await listen(app, "127.0.0.1", 0);
  t.after(() => app.close());
  const response = await fetch(`${url}/slow`, { method: "POST", body: "taken" });
  assert.equal(await response.text(), "answered");
});

test("what is not HTTP, and headers that are too large, get an answer and the connection's end", async (t) => {
  const server = await startTestServer(t);
  const expected = [
    ["\x16\x03\x01\x02\x00\x01\x00", 400],
    ["GET / HTTP/9.9\r\n\r\n", 400],
    ["POST /v1/entries HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello", 400],
    ["POST /v1/entries HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\nhello", 400],
    [`GET / HTTP/1.1\r\nhost: x\r\nx: ${"a".repeat(20_000)}\r\n\r\n`, 431],
  ] as const;
  for (const [bytes, status] of expected) {
    const { socket, answer } = await openConnection(server.url);
    socket.write(bytes);
    assert.match(await answer, new RegExp(`^HTTP/1\\.1 ${status} `), JSON.stringify(bytes.slice(0, 60)));
  }
  assert.equal((await server.fetch("/healthz")).status, 200);
});

test("bodies beyond what the server is ready to hold are answered 503 with Retry-After, and room comes back", async (t) => {
  const server = await startTestServer(t, { maxIntakeBytes: 3000, requestTimeout: 600_000 });
  const { socket } = await openConnection(server.url);
  const head = "POST /v1/entries HTTP/1.1\r\nhost: x\r\ncontent-type: application/cbor\r\ncontent-length: 2900\r\n\r\n";
  socket.write(head + "x".repeat(2800));
  const statement = await server.issuer.statement();
  const refused = await untilStatus(503, () => server.fetch("/v1/entries", postCbor([statement])));
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.equal(((await refused.json()) as { code: string }).code, "PUSHBACK");
  socket.destroy();
  assert.equal((await untilStatus(200, () => server.fetch("/v1/entries", postCbor([statement])))).status, 200);
});

/** Asks until that answer comes; the server sees the other connection's bytes and its end in its own time. */
async function untilStatus(status: number, ask: () => Promise<Response>): Promise<Response> {
  for (;;) {
    const response = await ask();
    if (response.status === status) return response;
    assert.ok(response.status === 200 || response.status === 503, String(response.status));
    await response.arrayBuffer();
  }
}

test("a request that begins while the server stops is told so", async (t) => {
  const { app, isStopping } = createHttp({}, { reading: undefined });
  app.get("/", async () => "served");
  let answer: Response | undefined;
  app.addHook("preClose", async () => {
    answer = await fetch(url); // stopping has begun, listening has not ended
  });
  const url = await listen(app, "127.0.0.1", 0);
  t.after(() => app.close());
  assert.deepEqual([(await fetch(url)).status, isStopping()], [200, false]);
  await stop(app, 5000);
  assert.ok(answer !== undefined && isStopping());
  assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [503, "UNAVAILABLE_STOPPING"]);
});

test("a queue that is full pushes back with 503, and what was taken is answered", async (t) => {
  const server = await startTestServer(t, { maxQueuedEntries: 50 });
  const answers: Response[] = [];
  while (!answers.some(({ status }) => status === 503)) {
    const batches = await Promise.all(
      Array.from({ length: 20 }, () => Promise.all(Array.from({ length: 40 }, () => server.issuer.statement()))),
    );
    answers.push(...(await Promise.all(batches.map((batch) => server.fetch("/v1/entries", postCbor(batch))))));
  }
  const statuses = answers.map(({ status }) => status);
  assert.deepEqual([...new Set(statuses)].sort(), [200, 503], statuses.join());
  assert.equal(server.notary.status.head.size, 40 * statuses.filter((status) => status === 200).length);
  const refused = answers.find(({ status }) => status === 503);
  assert.equal(refused?.headers.get("retry-after"), "1");
});

test("each client may register and read only so much", async (t) => {
  const rateLimits = { register: { perSecond: 0.001, burst: 5 }, read: { perSecond: 0.001, burst: 3 } };
  const server = await startTestServer(t, { rateLimits, trustProxy: true });
  const from = (ip: string, init: RequestInit = {}): RequestInit => ({
    ...init,
    headers: { ...init.headers, "x-forwarded-for": ip },
  });
  const statements = await Promise.all(Array.from({ length: 6 }, () => server.issuer.statement()));
  const register = async (ip: string, count: number): Promise<Response> =>
    server.fetch("/v1/entries", from(ip, postCbor(statements.slice(0, count))));
  assert.equal((await register("192.0.2.1", 4)).status, 200);
  const refused = await register("192.0.2.1", 4);
  assert.equal(refused.status, 429);
  assert.equal(((await refused.json()) as { code: string }).code, "POLICY_RATE");
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  assert.equal((await register("192.0.2.2", 4)).status, 200, "another client has its own");
  const single = (ip: string): Promise<Response> =>
    server.fetch("/entries", from(ip, postCose(statements[5] as Uint8Array)));
  assert.equal((await single("192.0.2.2")).status, 201);
  assert.equal((await single("192.0.2.2")).status, 429);

  const reads = [];
  for (let i = 0; i < 5; i++) reads.push((await server.fetch("/v1/status", from("192.0.2.3"))).status);
  assert.deepEqual(reads, [200, 200, 200, 429, 429]);
  assert.equal((await server.fetch("/healthz", from("192.0.2.3"))).status, 200, "a load balancer may always ask");
});

test("without a trusted proxy a client cannot choose who it counts as", async (t) => {
  const rateLimits = { register: { perSecond: 0.001, burst: 5 }, read: { perSecond: 0.001, burst: 3 } };
  const server = await startTestServer(t, { rateLimits });
  const statuses = [];
  for (let i = 0; i < 4; i++) {
    statuses.push((await server.fetch("/v1/status", { headers: { "x-forwarded-for": `192.0.2.${i}` } })).status);
  }
  assert.deepEqual(statuses, [200, 200, 200, 429]);
});

test("a bucket fills with time up to its burst, and more than a burst passes only when it is full", () => {
  let time = 0;
  const limiter = createRateLimiter({ perSecond: 2, burst: 10 }, () => time);
  const taken = (cost: number): boolean => {
    try {
      limiter.take("a", cost);
      return true;
    } catch {
      return false;
    }
  };
  assert.deepEqual([taken(4), taken(6), taken(1)], [true, true, false]);
  time += 500;
  assert.deepEqual([taken(1), taken(1)], [true, false]);
  time += 3_600_000;
  assert.deepEqual([taken(10), taken(1)], [true, false]);
  time += 4_000;
  assert.equal(taken(50), false);
  time += 1_000;
  assert.equal(taken(50), true);
});

test("a /64 counts as one client, and a flood of clients does not fill the memory", () => {
  let time = 0;
  const limiter = createRateLimiter({ perSecond: 1, burst: 1 }, () => time);
  limiter.take("2001:db8:0:1::1", 1);
  assert.throws(() => limiter.take("2001:db8:0:1:ffff::2", 1));
  assert.throws(() => limiter.take("2001:db8::1:0:0:0:9", 1));
  assert.doesNotThrow(() => limiter.take("2001:db8:0:2::1", 1));
  limiter.take("::ffff:192.0.2.1", 1);
  assert.doesNotThrow(() => limiter.take("::ffff:192.0.2.2", 1));
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 200_000; i++) {
    time += 0.001;
    limiter.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 1);
  }
  assert.ok(process.memoryUsage().heapUsed - before < 50_000_000);
});

test("the intake counts what is held and refuses what does not fit", () => {
  const intake = createIntake(10);
  intake.reserve(6);
  assert.throws(() => intake.reserve(5));
  assert.equal(intake.bytes, 6);
  intake.release(6);
  intake.reserve(10);
});

test("an intake is empty again when all requests are over, however they ended", async (t) => {
  const server = await startTestServer(t, { maxIntakeBytes: 20_000, maxBatchBytes: 10_000 });
  const statement = await server.issuer.statement();
  for (let i = 0; i < 40; i++) {
    const kinds = [
      postCbor([statement]),
      postCbor(["x"]),
      postCbor([new Uint8Array(11_000)]),
      { ...postCbor([]), body: "garbage" },
    ];
    await Promise.all(
      kinds.map(async (init) => (await server.fetch("/v1/entries", init).catch(() => undefined))?.arrayBuffer()),
    );
    const { socket } = await openConnection(server.url);
    socket.end(
      `POST /v1/entries HTTP/1.1\r\nhost: x\r\ncontent-type: application/cbor\r\ncontent-length: 900\r\n\r\n${"x".repeat(500)}`,
    );
    socket.destroy();
  }
  const large = encodeCbor([statement, new Uint8Array(9000)]);
  const response = await untilStatus(200, () =>
    server.fetch("/v1/entries", { ...postCbor([]), body: large as BodyInit }),
  );
  assert.equal(response.status, 200);
});
