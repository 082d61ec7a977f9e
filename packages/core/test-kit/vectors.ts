/**
 * What `vectors/` publishes: statements, proof files and CBOR with what a reader must make of them. Every key comes from a word and
 * every signature is deterministic, so that the same vectors come out each time.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256, p384 } from "@noble/curves/nist.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import {
  type Algorithm,
  createNoteSigner,
  encodeBase64,
  encodeHex,
  encodeUtf8,
  isAttestryError,
  keyThumbprint,
  leafHash,
  parseCheckpoint,
  parseNote,
  parseStatement,
  parseTrustFile,
  publicKey,
  type Relation,
  type Signer,
  sha256,
  signatureType,
  signStatement,
  thumbprintUri,
  verify,
} from "../src/index.ts";
import { testLog } from "./log.ts";

const time = 1_790_000_000;
const origin = "log.example.gov/vectors";
const content = "A deed of land, lot 4711.\n";

/** A signer whose private key is the SHA-256 of a word. */
export function signerOf(algorithm: Algorithm, word: string): Signer {
  const seed = sha256(encodeUtf8(`attestry vectors: ${word}`));
  switch (algorithm) {
    case "ES256":
      return {
        publicKey: publicKey("ES256", p256.getPublicKey(seed, false)),
        sign: async (data) => p256.sign(data, seed),
      };
    case "ES384": {
      const key = Uint8Array.from([...seed, ...seed.subarray(0, 16)]);
      return {
        publicKey: publicKey("ES384", p384.getPublicKey(key, false)),
        sign: async (data) => p384.sign(data, key),
      };
    }
    case "EdDSA":
      return {
        publicKey: publicKey("EdDSA", ed25519.getPublicKey(seed)),
        sign: async (data) => ed25519.sign(data, seed),
      };
    case "ML-DSA-44": {
      const keys = ml_dsa44.keygen(seed);
      return {
        publicKey: publicKey("ML-DSA-44", keys.publicKey),
        sign: async (data) => ml_dsa44.sign(data, keys.secretKey, { extraEntropy: false }),
      };
    }
  }
}

export interface StatementVector {
  readonly name: string;
  /** Hexadecimal. */
  readonly statement: string;
  readonly expect:
    | {
        readonly leafHash: string;
        readonly issuer: string;
        readonly subject: string;
        readonly issuedAt: number;
        readonly sha256: string;
        readonly algorithm: string;
      }
    | { readonly error: string };
}

export interface ProofVector {
  readonly name: string;
  /** Base64. */
  readonly proof: string;
  /** SHA-256 of the file that is shown beside the proof, hexadecimal; absent when none is. */
  readonly sha256?: string;
  /** A trust file. */
  readonly trust: Record<string, unknown>;
  readonly expect: {
    readonly verdict: string;
    /** Error code of each check that fails, by the check's name; null for one that has none. */
    readonly failed: Readonly<Record<string, string | null>>;
  };
}

function claims(signer: Signer, subject: string, relation?: Relation): Parameters<typeof signStatement>[0] {
  return {
    issuer: thumbprintUri(keyThumbprint(signer.publicKey)),
    subject,
    issuedAt: time - 60,
    digest: sha256(encodeUtf8(content)),
    contentType: "text/plain",
    ...(relation && { relation }),
  };
}

const changed = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

export async function makeStatementVectors(): Promise<StatementVector[]> {
  const vectors: StatementVector[] = [];
  for (const algorithm of ["ES256", "ES384", "EdDSA"] as const) {
    const signer = signerOf(algorithm, `issuer ${algorithm}`);
    const statement = await signStatement(claims(signer, "deed-4711"), signer);
    vectors.push(statementVector(`signed with ${algorithm}`, statement));
  }
  const signer = signerOf("ES256", "issuer ES256");
  const target = sha256(encodeUtf8("an earlier entry"));
  const relation: Relation = { kind: "revokes", target, reason: "issued in error" };
  const good = await signStatement(claims(signer, "deed-4711"), signer);
  vectors.push(
    statementVector("revokes an earlier entry", await signStatement(claims(signer, "deed-4711", relation), signer)),
  );
  const rootHash = sha256(encodeUtf8("a tree of seven entries"));
  const quoting = { ...claims(signer, "deed-4711"), after: { origin, size: 7, rootHash } };
  vectors.push(statementVector("quotes a checkpoint", await signStatement(quoting, signer)));
  vectors.push(statementVector("cut short by one byte", good.subarray(0, -1)));
  vectors.push(statementVector("one byte too many", Uint8Array.from([...good, 0])));
  vectors.push(statementVector("without its tag", good.subarray(1)));
  vectors.push(statementVector("of no length", new Uint8Array()));
  return vectors;
}

function statementVector(name: string, bytes: Uint8Array): StatementVector {
  return { name, statement: encodeHex(bytes), expect: readStatement(bytes) };
}

/** What this implementation makes of a statement. */
export function readStatement(bytes: Uint8Array): StatementVector["expect"] {
  try {
    const { entry, issuer, subject, issuedAt, digest, algorithm } = parseStatement(bytes);
    return { leafHash: encodeHex(leafHash(entry)), issuer, subject, issuedAt, sha256: encodeHex(digest), algorithm };
  } catch (error) {
    if (isAttestryError(error)) return { error: error.code };
    throw error;
  }
}

export async function makeProofVectors(): Promise<ProofVector[]> {
  const log = testLog(origin, time, (algorithm) => signerOf(algorithm, `log ${algorithm}`));
  const issuer = signerOf("ES256", "issuer ES256");
  for (let at = 0; at < 6; at++) log.append(await signStatement(claims(issuer, `deed-${at}`), issuer));
  const statement = await signStatement(claims(issuer, "deed-4711"), issuer);
  const index = log.append(statement);
  const target = leafHash(parseStatement(statement).entry);
  const witness = createNoteSigner(
    "witness.example.org",
    signerOf("EdDSA", "witness"),
    signatureType.ed25519Cosignature,
    () => time + 1,
  );
  const proof = await log.proof(index);
  const cosigned = await log.proof(index, { witnesses: [witness] });
  const later = async (relation: Relation): Promise<Uint8Array> =>
    log.proof(index, {
      later: [await log.proof(log.append(await signStatement(claims(issuer, "deed-4711", relation), issuer)))],
    });
  const quoting = async (): Promise<(readonly [name: string, proof: Uint8Array])[]> => {
    const quoted = await log.checkpoint();
    const after = parseCheckpoint(parseNote(quoted).text);
    const at = log.append(await signStatement({ ...claims(issuer, "deed-4712"), after }, issuer));
    const proofWith = (checkpointAfter: Uint8Array): Promise<Uint8Array> =>
      log.proof(at, { evidence: { coseKey: issuer.publicKey, checkpointAfter } });
    return [
      ["quotes a checkpoint, which came along", await proofWith(quoted)],
      ["quotes a checkpoint, and another came along", await proofWith(await log.checkpoint())],
    ];
  };
  const [own] = log.trust.logs;
  const logs = [
    {
      origin,
      verifierKeys: own?.verifierKeys.map(({ text }) => text),
      receiptKeys: own?.receiptKeys.map(thumbprintUri),
    },
  ];
  const trust = { logs };
  const witnesses = [witness.verifierKey.text];
  const digest = encodeHex(sha256(encodeUtf8(content)));
  const other = encodeHex(sha256(encodeUtf8("A deed of land, lot 4712.\n")));
  const cases: Omit<ProofVector, "expect">[] = [
    { name: "a file with its proof", proof: encodeBase64(proof), sha256: digest, trust },
    {
      name: "with a witness that the trust file names",
      proof: encodeBase64(cosigned),
      sha256: digest,
      trust: { logs, witnesses, quorum: 1 },
    },
    {
      name: "without the witness that the trust file asks for",
      proof: encodeBase64(proof),
      sha256: digest,
      trust: { logs, witnesses, quorum: 1 },
    },
    { name: "another file", proof: encodeBase64(proof), sha256: other, trust },
    { name: "no file", proof: encodeBase64(proof), trust },
    { name: "a log that nobody vouches for", proof: encodeBase64(proof), sha256: digest, trust: {} },
    {
      name: "an issuer that the trust file does not name",
      proof: encodeBase64(proof),
      sha256: digest,
      trust: { logs, issuers: [{ issuer: "https://records.example.gov", keys: [] }] },
    },
    {
      name: "superseded by its issuer",
      proof: encodeBase64(await later({ kind: "supersedes", target, reason: "corrected boundary" })),
      sha256: digest,
      trust,
    },
    {
      name: "revoked by its issuer",
      proof: encodeBase64(await later({ kind: "revokes", target, reason: "issued in error" })),
      sha256: digest,
      trust,
    },
    ...(await quoting()).map(([name, made]) => ({ name, proof: encodeBase64(made), sha256: digest, trust })),
    ...[10, Math.floor(proof.length / 4), Math.floor(proof.length / 2), proof.length - 1].map((at) => ({
      name: `byte ${at} of the proof changed`,
      proof: encodeBase64(changed(proof, at)),
      sha256: digest,
      trust,
    })),
  ];
  return Promise.all(cases.map(async (one) => ({ ...one, expect: await readProof(one) })));
}

/** What this implementation makes of a proof. */
export async function readProof({
  proof,
  sha256: digest,
  trust,
}: Omit<ProofVector, "expect">): Promise<ProofVector["expect"]> {
  const { verdict, checks } = await verify({
    proof: Uint8Array.fromBase64(proof),
    ...(digest === undefined ? {} : { digest: Uint8Array.fromHex(digest) }),
    trust: parseTrustFile(JSON.stringify(trust)),
  });
  const failed = checks.filter(({ status }) => status === "fail").map(({ name, code = null }) => [name, code] as const);
  return { verdict, failed: Object.fromEntries(failed) };
}

/** Each published file with its content. */
export async function makeVectorFiles(): Promise<ReadonlyMap<string, string>> {
  const text = (vectors: readonly object[]): string => `${JSON.stringify(vectors, undefined, 2)}\n`;
  return new Map([
    ["statements.json", text(await makeStatementVectors())],
    ["proofs.json", text(await makeProofVectors())],
  ]);
}
