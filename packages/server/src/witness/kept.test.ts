/** Cosigned checkpoints that were damaged where they are kept. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { decodeUtf8, encodeUtf8, parseNote, parseProofFile, verify } from "@attestry/core";
import { pino } from "pino";
import { auditData } from "../audit-data.ts";
import { bytesOf, startTestServer, type TestServer, temporaryFolder, trustIn } from "../testing.ts";
import { startWitness } from "./server.ts";

/** A notary whose entry 0 two witnesses cosigned: the note as it is kept, and what puts another in its place. */
async function makeCosigned(t: TestContext) {
  const data = temporaryFolder(t);
  const { notary, close } = await startTestServer(t, { data });
  await close();
  const start = () => startWitness({ data: temporaryFolder(t), logs: notary.verifierKeys, port: 0 });
  const running = [await start(), await start()];
  const witnesses = running.map(({ url, witness }) => ({
    url,
    verifierKeys: witness.verifierKeys.map(({ text }) => text),
  }));
  const options = { data, witnesses, witnessQuorum: 2 };
  const first = await startTestServer(t, { ...options, witnessWait: 20_000 });
  await first.batch([await first.issuer.statement()]);
  await first.close();
  for (const witness of running) await witness.close();

  const logged: string[] = [];
  const logger = pino({ level: "error" }, { write: (line: string) => void logged.push(line) });
  const server = await startTestServer(t, { ...options, logger });
  const db = new DatabaseSync(join(data, "log.db"), { timeout: 5000 });
  t.after(() => db.close());
  const kept = db.prepare("SELECT note FROM cosigned WHERE size = 1").get()?.["note"] as Uint8Array;
  const put = (note: Uint8Array) => db.prepare("UPDATE cosigned SET note = ?").run(note);
  return { server, kept, put, db, logged, keys: running.map(({ witness }) => witness.verifierKeys) };
}

/** The same note with a bit changed near the end of one of its lines. */
function damageLine(note: Uint8Array, from: (line: string) => boolean): Uint8Array {
  const lines = decodeUtf8(note, "MALFORMED_NOTE").split("\n");
  const at = lines.findIndex(from);
  const line = lines[at] as string;
  lines[at] = `${line.slice(0, -12)}${line.at(-12) === "A" ? "B" : "A"}${line.slice(-11)}`;
  return encodeUtf8(lines.join("\n"));
}

/** How many cosignatures the proof of entry 0 has, once it is found to verify. */
async function cosignaturesOf(
  server: TestServer,
  keys: Awaited<ReturnType<typeof makeCosigned>>["keys"],
): Promise<number> {
  const answer = await server.fetch("/v1/entries/0/proof");
  const proof = await bytesOf(answer);
  assert.equal(answer.status, 200, new TextDecoder().decode(proof));
  const { statement, receipts } = parseProofFile(proof);
  const note = parseNote(receipts[0]?.evidence.checkpoint as Uint8Array);
  const trust = { ...trustIn(server.notary), witnesses: keys.flat(), quorum: 0 };
  const report = await verify({ proof, digest: statement.digest, trust });
  assert.equal(report.verdict, "verified", report.summary);
  return note.signatures.length - 2;
}

test("a cosigned checkpoint that is damaged is served as far as it holds, and is an error in the log", async (t) => {
  const { server, kept, put, db, logged, keys } = await makeCosigned(t);
  assert.equal(await cosignaturesOf(server, keys), 4);
  const name = keys[0]?.[0]?.name as string;
  const damages: [Uint8Array, number][] = [
    [Uint8Array.of(0, 255), 0],
    [damageLine(kept, (line) => line.startsWith(`— ${name} `)), 3],
    [damageLine(kept, (line) => line.startsWith(`— ${server.notary.origin} `)), 4],
    [damageLine(kept, (line) => line === server.notary.origin), 0],
  ];
  assert.deepEqual(logged, []);
  for (const [at, [note, left]] of damages.entries()) {
    put(note);
    assert.equal(await cosignaturesOf(server, keys), left, `damage ${at}`);
    assert.match(logged.pop() ?? "", /a cosigned checkpoint is damaged/);
  }
  put(kept);
  assert.equal(await cosignaturesOf(server, keys), 4);
  db.exec("UPDATE cosigned SET size = 999");
  assert.equal(await cosignaturesOf(server, keys), 0);
});

test("the audit checks cosignatures by the keys that it is given, and says whose it could not check", async (t) => {
  const { server, kept, put, keys } = await makeCosigned(t);
  const [first, second] = keys.map((both) => both.map(({ text }) => text));
  const name = keys[0]?.[0]?.name as string;
  put(damageLine(kept, (line) => line.startsWith(`— ${name} `)));
  const audit = async (witnessKeys: readonly string[] = []) => {
    const found: string[] = [];
    const steps = auditData({ data: server.data, witnessKeys });
    for (;;) {
      const step = await steps.next();
      if (step.done) return { found, limits: step.value.limits.join(" ") };
      found.push(step.value.message);
    }
  };
  const all = await audit([...(first ?? []), ...(second ?? [])]);
  const why = `The cosignature of ${name} does not match the checkpoint.`;
  assert.deepEqual(all.found, [`The cosigned checkpoint of size 1 does not hold: ${why}`]);
  assert.doesNotMatch(all.limits, /not checked: their keys/);
  const none = await audit();
  assert.deepEqual(none.found, []);
  assert.match(none.limits, /Cosignatures of .* were not checked: their keys were not given\./);
});
