import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { isAttestryError } from "@attestry/core";
import { checkTimeStamp, digestOf, encodeTimeStampRequest, parseTimeStampResponse } from "@attestry/core/timestamp";
import fastify from "fastify";
import { noOpenssl, opensslAuthority, opensslFolder } from "../../../core/src/timestamp/test-openssl.ts";
import { createIntake } from "../http/body.ts";
import { requestTimeStamp } from "./client.ts";
import { timeStampRoutes } from "./route.ts";
import { now, serve, serveAnswers, testAuthority } from "./testing.ts";

const imprint = {
  algorithm: "SHA-256",
  digest: digestOf("SHA-256", new TextEncoder().encode("a checkpoint\n")),
} as const;
const openssl = opensslFolder();
after(() => openssl.remove());

function fails(code: string, reason?: string): (error: unknown) => true {
  return (error) => {
    assert.ok(isAttestryError(error), String(error));
    assert.equal(error.code, code, error.message);
    if (reason !== undefined) assert.equal(error.data["reason"], reason, error.message);
    return true;
  };
}

for (const kind of ["RSA", "P-256"] as const) {
  test(`a token from openssl's authority with ${kind} comes back checked`, { skip: noOpenssl }, async (t) => {
    const authority = opensslAuthority(openssl, kind);
    const url = await serveAnswers(t, (request) => authority.reply(request));
    const roots = [authority.root];
    const { token, time, authority: name } = await requestTimeStamp({ url, imprint, roots });
    assert.ok(Math.abs(time - now()) < 60);
    assert.equal(name, `CN=Time ${kind},O=Example,C=US`);
    assert.equal((await checkTimeStamp({ token, imprint, roots })).time, time);
    const { authority: ours, certificates } = await testAuthority();
    assert.ok(ours);
    const strangers = [certificates.root];
    await assert.rejects(
      requestTimeStamp({ url, imprint, roots: strangers }),
      fails("VERIFY_TIME_STAMP", "untrusted_root"),
    );
  });
}

test("an answer that does not hold is told apart by its reason", async (t) => {
  const { authority, certificates } = await testAuthority();
  const late = await testAuthority({ now: () => now() + 3600 });
  const other = { ...imprint, digest: new Uint8Array(32) };
  const old = await authority.respond(encodeTimeStampRequest({ imprint, nonce: Uint8Array.of(1) }));
  const swapped = () => authority.respond(encodeTimeStampRequest({ imprint: other }));
  const tampered = async (request: Uint8Array) => {
    const answer = await authority.respond(request);
    return answer.with(answer.length - 1, (answer.at(-1) ?? 0) ^ 1);
  };
  const ask = async (answer: Parameters<typeof serveAnswers>[1], roots = [certificates.root]) =>
    requestTimeStamp({ url: await serveAnswers(t, answer), imprint, roots });
  await ask((request) => authority.respond(request));
  await assert.rejects(
    ask(() => old),
    fails("VERIFY_TIME_STAMP", "nonce"),
  );
  await assert.rejects(ask(swapped), fails("VERIFY_TIME_STAMP", "imprint"));
  await assert.rejects(ask(tampered), fails("VERIFY_TIME_STAMP", "bad_signature"));
  const fromLate = ask((request) => late.authority.respond(request), [late.certificates.root]);
  await assert.rejects(fromLate, fails("VERIFY_TIME_STAMP", "time"));
  await assert.rejects(
    ask(() => new TextEncoder().encode("<html>")),
    fails("MALFORMED_TIME_STAMP"),
  );
  await assert.rejects(
    ask(() => new Uint8Array(65_537)),
    fails("MALFORMED_TIME_STAMP"),
  );
});

test("a refusal is told apart, by the protocol or by HTTP", async (t) => {
  const { authority, certificates } = await testAuthority();
  const roots = [certificates.root];
  const refusing = await serveAnswers(t, () => authority.respond(new Uint8Array()));
  await assert.rejects(requestTimeStamp({ url: refusing, imprint, roots }), (error) => {
    fails("POLICY_TIME_STAMP")(error);
    return isAttestryError(error) && error.data["failure"] === "badDataFormat";
  });
  const closed = await serve(t, (_request, response) => void response.writeHead(403).end("no"));
  await assert.rejects(requestTimeStamp({ url: closed, imprint, roots }), fails("POLICY_TIME_STAMP"));
});

test("an authority that does not answer is told apart, and its time is limited", async (t) => {
  const silent = await serve(t, () => {});
  const busy = await serve(t, (_request, response) => void response.writeHead(503).end());
  const broken = await serve(t, (request) => void request.socket.destroy());
  const moved = await serve(t, (_request, response) => void response.writeHead(302, { location: "/x" }).end());
  const impatient = requestTimeStamp({ url: silent, imprint, roots: [], timeout: 300 });
  await assert.rejects(impatient, fails("UNAVAILABLE_TIMEOUT"));
  const patient = (url: string) => requestTimeStamp({ url, imprint, roots: [], timeout: 600_000 });
  await assert.rejects(patient(busy), fails("UNAVAILABLE_SERVER"));
  await assert.rejects(patient(broken), fails("UNAVAILABLE_SERVER"));
  await assert.rejects(patient(moved), fails("UNAVAILABLE_SERVER"));
  await assert.rejects(patient("http://127.0.0.1:1/"), fails("UNAVAILABLE_SERVER"));
  for (const url of ["", "tsa.example", "ftp://tsa.example", "https://me:secret@tsa.example"])
    await assert.rejects(patient(url), fails("USAGE"));
});

test("POST /tsa answers requests, refusals too, and takes nothing else", async (t) => {
  const { authority, certificates } = await testAuthority();
  const app = fastify();
  t.after(() => app.close());
  const intake = createIntake(1024 * 1024);
  const opened = { ...authority, certificates: async () => "the certificates" };
  await app.register(timeStampRoutes, { authority: opened, intake });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/tsa`;
  await requestTimeStamp({ url, imprint, roots: [certificates.root] });
  const post = (body: Uint8Array, type = "application/timestamp-query") =>
    fetch(url, { method: "POST", body: body as BodyInit, headers: { "content-type": type } });
  const response = await post(Uint8Array.of(1));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/timestamp-reply");
  const answer = await response.bytes();
  assert.throws(() => parseTimeStampResponse(answer), fails("POLICY_TIME_STAMP"));
  assert.equal((await post(new Uint8Array())).status, 200);
  assert.equal((await post(Uint8Array.of(1), "application/json")).status, 415);
  assert.equal((await post(new Uint8Array(17_000))).status, 500); // the code is the app's to translate
  assert.equal(intake.bytes, 0);
});
