/** Issuers that a test enrols at a running notary, each with a name and a key of its own. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeUtf8, leafHash, parseProofFile, type Relation, sha256, signStatement } from "@attestry/core";
import { createNotaryClient, type NotaryStatus } from "@attestry/core/client";
import { testSigner } from "../../core/test-kit/log.ts";
import type { RunningNotary } from "./testing.ts";

export interface Entered {
  readonly index: number;
  readonly proof: Uint8Array;
  /** What a later statement names. */
  readonly leaf: Uint8Array;
}

export interface TestIssuer {
  readonly name: string;
  enter(content: string, more?: { readonly relation?: Relation; readonly subject?: string }): Promise<Entered>;
}

export async function enrol({ url, data }: RunningNotary, name: string): Promise<TestIssuer> {
  const token = readFileSync(join(data, "admin.token"), "utf8").trim();
  const notary = createNotaryClient({ url, token });
  const signer = testSigner();
  await notary.addIssuer({ issuer: name, key: signer.publicKey });
  return {
    name,
    async enter(content, { subject = "deed", relation } = {}) {
      const issuedAt = Math.floor(Date.now() / 1000);
      const digest = sha256(encodeUtf8(content));
      const claims = { issuer: name, subject, issuedAt, digest, ...(relation && { relation }) };
      const [entered] = await notary.register([await signStatement(claims, signer)]);
      if (entered === undefined || "error" in entered) throw entered?.error ?? new Error("nothing was registered");
      const leaf = leafHash(parseProofFile(entered.proof).statement.entry);
      return { index: entered.index, proof: entered.proof, leaf };
    },
  };
}

/** A trust file that names the notary's log and more. */
export async function trustFile({ url }: RunningNotary, more: object = {}): Promise<string> {
  const { origin, verifierKeys, receiptKey }: NotaryStatus = await createNotaryClient({ url }).status();
  return JSON.stringify({ logs: [{ origin, verifierKeys, receiptKeys: [receiptKey] }], ...more });
}
