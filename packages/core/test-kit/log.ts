/** For tests: keys and a log in memory that hands out real proof files. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  type Algorithm,
  createFrontier,
  createNoteSigner,
  type Evidence,
  emptyTrust,
  encodeCheckpoint,
  encodeNote,
  encodeProofFile,
  encodeReceipt,
  encodeReceiptHeader,
  encodeUtf8,
  keyThumbprint,
  leafHash,
  type NoteSigner,
  parseEvidence,
  parseStatement,
  proveInclusion,
  publicKey,
  receiptToBeSigned,
  type Signer,
  signatureType,
  signNote,
  type Trust,
  treeRoot,
} from "../src/index.ts";

const kinds = {
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ES384: () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
  "ML-DSA-44": () => generateKeyPairSync("ml-dsa-44" as "ed25519"),
} as const;
const keyBytes = { ES256: 65, ES384: 97, EdDSA: 32, "ML-DSA-44": 1312 } as const;
const digests = { ES256: "sha256", ES384: "sha384", EdDSA: null, "ML-DSA-44": null } as const;

export interface TestSigner extends Signer {
  readonly privateKey: KeyObject;
}

export function testSigner(algorithm: Algorithm = "ES256"): TestSigner {
  const pair = kinds[algorithm]();
  const spki = pair.publicKey.export({ format: "der", type: "spki" });
  return {
    privateKey: pair.privateKey,
    publicKey: publicKey(algorithm, new Uint8Array(spki.subarray(spki.length - keyBytes[algorithm]))),
    sign: async (data) =>
      new Uint8Array(sign(digests[algorithm], data, { key: pair.privateKey, dsaEncoding: "ieee-p1363" })),
  };
}

/** A witness's signer under that name, which cosigns as of `time`. */
export function testWitness(name: string, time: number): NoteSigner {
  return createNoteSigner(name, testSigner("EdDSA"), signatureType.ed25519Cosignature, () => time);
}

export interface TestLog {
  readonly origin: string;
  readonly trust: Trust;
  /** Registers a signed statement; gives its index. */
  append(statement: Uint8Array): number;
  /** The checkpoint of the tree as it is now: a signed note. */
  checkpoint(witnesses?: readonly NoteSigner[]): Promise<Uint8Array>;
  /** The proof file of an entry in the tree as it is now. */
  proof(
    index: number,
    options?: { witnesses?: readonly NoteSigner[]; later?: readonly Uint8Array[]; evidence?: Evidence },
  ): Promise<Uint8Array>;
}

/** A log whose clock stands at `time` (whole seconds), with new keys or those of `signerOf`. */
export function testLog(
  origin: string,
  time: number,
  signerOf: (algorithm: Algorithm) => Signer = testSigner,
): TestLog {
  const receiptSigner = signerOf("ES256");
  const noteSigners = [
    createNoteSigner(origin, signerOf("EdDSA"), signatureType.ed25519),
    createNoteSigner(origin, signerOf("ML-DSA-44"), signatureType.mlDsaCosignature, () => time),
  ];
  const verifierKeys = noteSigners.map((signer) => signer.verifierKey);
  const statements: Uint8Array[] = [];
  const frontier = createFrontier();
  const nodes = new Map<string, Uint8Array>();
  const read = (level: number, index: number): Uint8Array => nodes.get(`${level}/${index}`) as Uint8Array;
  const keyName = keyThumbprint(receiptSigner.publicKey);
  async function checkpoint(witnesses: readonly NoteSigner[] = []): Promise<Uint8Array> {
    const size = statements.length;
    const text = encodeCheckpoint({ origin, size, rootHash: treeRoot(size, read), extensions: [] });
    return encodeUtf8(encodeNote(await signNote(text, [...noteSigners, ...witnesses])));
  }
  return {
    checkpoint,
    origin,
    trust: { ...emptyTrust, logs: [{ origin, verifierKeys, receiptKeys: [keyName], basis: "the trust file" }] },
    append(statement) {
      frontier.append(leafHash(parseStatement(statement).entry), (level, index, hash) =>
        nodes.set(`${level}/${index}`, hash),
      );
      return statements.push(statement) - 1;
    },
    async proof(index, options = {}) {
      const size = statements.length;
      const rootHash = treeRoot(size, read);
      const statement = parseStatement(statements[index] as Uint8Array);
      const protectedBytes = encodeReceiptHeader({ origin, keyThumbprint: keyName, time });
      const receipt = encodeReceipt({
        protectedBytes,
        signature: await receiptSigner.sign(receiptToBeSigned(protectedBytes, rootHash)),
        size,
        index,
        path: proveInclusion(index, size, read),
        checkpoint: await checkpoint(options.witnesses),
        receiptKey: receiptSigner.publicKey,
        verifierKeys: verifierKeys.map((key) => key.text),
      });
      const evidence = options.evidence ?? parseEvidence(statement.unprotected);
      return encodeProofFile({
        statement,
        evidence,
        receipts: [receipt],
        ...(options.later ? { later: options.later } : {}),
      });
    },
  };
}
