/** What the checks look at: a log of 700 entries by three issuers and three of its own, grown in steps, cosigned on the way when there is a witness. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseCheckpoint, parseNote } from "@attestry/core";
import { enrolIssuer, type Issuer, type Notary, notarize, readCheckpoint, startNotary } from "./notary.ts";
import type { Toolset } from "./tools.ts";
import { awaitCosignatures, startTheirWitness, type TheirWitness } from "./witnesses.ts";

export interface Scene {
  readonly notary: Notary;
  readonly size: number;
  /** The size before there was a witness. */
  readonly firstSize: number;
  readonly issuers: Readonly<Record<"ES256" | "ES384" | "EdDSA", Issuer>>;
  /** Files with checkpoints of smaller trees. */
  readonly older: readonly string[];
  readonly witness: TheirWitness | undefined;
  /** For the checks' own files. */
  readonly work: string;
}

/** Each enrolment is an entry itself: the notary records what administrators do. */
const enrolments = 3;
const firstSize = enrolments + 300;

export async function makeScene(work: string, go: Toolset): Promise<Scene> {
  const data = join(work, "data");
  const first = await startNotary(data);
  const issuers = {
    ES256: await enrolIssuer(work, "ES256", data, first.url),
    ES384: await enrolIssuer(work, "ES384", data, first.url),
    EdDSA: await enrolIssuer(work, "EdDSA", data, first.url),
  };
  await notarize(issuers.ES256, 300, data, first.url);
  const older = [await keepCheckpoint(work, first, firstSize)];
  await first.stop();

  // A witness has to know the log's key, which the notary makes at its first start.
  const witness = "missing" in go ? undefined : await startTheirWitness(go.commandOf, first.verifierKeys[0]);
  const notary = await startNotary(data, witness);
  await awaitCosignatures(notary, witness);
  await notarize(issuers.ES256, 340, data, notary.url);
  older.push(await keepCheckpoint(work, notary, firstSize + 340));
  await notarize(issuers.ES384, 20, data, notary.url);
  older.push(await keepCheckpoint(work, notary, firstSize + 360));
  await notarize(issuers.EdDSA, 40, data, notary.url);
  await awaitCosignatures(notary, witness);
  return { notary, size: firstSize + 400, firstSize, issuers, older, witness, work };
}

async function keepCheckpoint(work: string, notary: Notary, size: number): Promise<string> {
  const note = await readCheckpoint(notary.url);
  const found = parseCheckpoint(parseNote(note).text).size;
  if (found !== size) throw new Error(`the log has ${found} entries, not ${size}`);
  const file = join(work, `checkpoint-${size}`);
  writeFileSync(file, note);
  return file;
}
