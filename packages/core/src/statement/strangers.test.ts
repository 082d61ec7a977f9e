// Others' implementations and test data agree with ours: @auth0/cose, openssl, the COSE working group's example receipts, and the
// vectors of an independent SCITT implementation.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Sign1 } from "@auth0/cose";
import { testLog, testSigner } from "../../test-kit/log.ts";
import { asArray, asMap, decodeCbor } from "../cose/cbor.ts";
import {
  encodeSign1,
  encodeUtf8,
  isAttestryError,
  keyThumbprint,
  leafHash,
  parseReceipt,
  parseSign1,
  parseStatement,
  publicKey,
  receiptRoot,
  receiptToBeSigned,
  sha256,
  signStatement,
  sigStructure,
  thumbprintUri,
  verifySignature,
} from "../index.ts";

const vectors = join(import.meta.dirname, "../../../../../shared/vectors");
const noVectors = existsSync(vectors)
  ? false
  : "the third-party vectors are not beside this checkout (../shared/vectors)";
const digest = sha256(encodeUtf8("deed"));
const claims = { issuer: "https://clerk.example.gov", subject: "deed-1", issuedAt: 1_790_000_000, digest };

test("statements verify under @auth0/cose, for every algorithm", async () => {
  for (const algorithm of ["ES256", "ES384", "EdDSA"] as const) {
    const signer = testSigner(algorithm);
    const statement = await signStatement(claims, signer);
    const key = createPublicKey(signer.privateKey);
    const theirs = Sign1.decode(statement);
    await theirs.verify(key);
    assert.deepEqual(new Uint8Array(theirs.payload), digest);
    assert.deepEqual(theirs.protectedHeaders.get(4), keyThumbprint(signer.publicKey));
    const other = createPublicKey(testSigner(algorithm).privateKey);
    await assert.rejects(theirs.verify(other));
  }
});

test("openssl verifies the raw signature over the statement's to-be-signed bytes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "attestry-"));
  try {
    const signer = testSigner("ES256");
    const statement = parseStatement(await signStatement(claims, signer));
    const inFolder = (name: string, bytes: Uint8Array | string): string => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const key = inFolder(
      "key.pem",
      createPublicKey(signer.privateKey).export({ type: "spki", format: "pem" }).toString(),
    );
    const data = inFolder("data", statement.toBeSigned);
    const der = inFolder("signature", derSignature(statement.signature));
    const run = () =>
      execFileSync("openssl", ["dgst", "-sha256", "-verify", key, "-signature", der, data], {
        encoding: "utf8",
        stdio: "pipe",
      });
    assert.match(run(), /Verified OK/);
    inFolder(
      "data",
      Uint8Array.from(statement.toBeSigned, (byte, at) => (at === 40 ? byte ^ 1 : byte)),
    );
    assert.throws(run);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** ECDSA-Sig-Value (RFC 3279 §2.2.3) of r ‖ s. */
function derSignature(raw: Uint8Array): Uint8Array {
  const integer = (part: Uint8Array): number[] => {
    const from = part.findIndex((byte) => byte !== 0);
    const bytes = [...part.subarray(from)];
    if ((bytes[0] ?? 0) >= 0x80) bytes.unshift(0);
    return [2, bytes.length, ...bytes];
  };
  const body = [...integer(raw.subarray(0, 32)), ...integer(raw.subarray(32))];
  return Uint8Array.of(0x30, body.length, ...body);
}

test("a transparent statement stays a COSE_Sign1 that @auth0/cose verifies, receipt and all", async () => {
  const [log, signer] = [testLog("log.example.gov/1", 1_790_000_000), testSigner()];
  const proof = await log.proof(log.append(await signStatement(claims, signer)));
  const key = createPublicKey(signer.privateKey);
  await Sign1.decode(proof).verify(key);
});

interface ScittVector {
  readonly leaf_entry: string;
  readonly leaf_index: number;
  readonly tree_size: number;
  readonly reconstructed_root: string | null;
  readonly statement_signature_valid: boolean;
  readonly receipt_valid: boolean;
  readonly failure_code?: string;
}

test("every vector of scitt-cose comes out as it says", { skip: noVectors }, async () => {
  const names = readdirSync(join(vectors, "scitt"));
  assert.ok(names.length >= 3);
  for (const name of names) {
    const read = (file: string): Uint8Array => new Uint8Array(readFileSync(join(vectors, "scitt", name, file)));
    const expected = JSON.parse(Buffer.from(read("expected.json")).toString()) as ScittVector;
    const key = (file: string) => {
      const spki = createPublicKey(Buffer.from(read(file))).export({ type: "spki", format: "der" });
      return publicKey("EdDSA", new Uint8Array(spki.subarray(-32)));
    };
    const statement = parseSign1(read("statement.cose"));
    const signed = sigStructure(statement.protectedBytes, statement.payload ?? new Uint8Array());
    assert.equal(
      await verifySignature(key("issuer-key.pub"), signed, statement.signature),
      expected.statement_signature_valid,
      name,
    );
    assert.equal(await receiptHolds(), expected.receipt_valid, name);

    async function receiptHolds(): Promise<boolean> {
      if (expected.failure_code === "UNSUPPORTED_VDS") {
        assert.throws(
          () => parseReceipt(read("receipt.cose")),
          (error) => isAttestryError(error) && error.code === "MALFORMED_RECEIPT",
        );
        return false;
      }
      const receipt = parseReceipt(read("receipt.cose"));
      assert.deepEqual([receipt.index, receipt.size], [expected.leaf_index, expected.tree_size]);
      // That project's leaf entry is the hash of the statement with its unprotected header emptied.
      assert.equal(sha256(encodeSign1({ ...statement, unprotected: new Map() })).toHex(), expected.leaf_entry);
      const root = receiptRoot(receipt, leafHash(Uint8Array.fromHex(expected.leaf_entry)));
      if (expected.reconstructed_root !== null) assert.equal(root.toHex(), expected.reconstructed_root);
      return verifySignature(key("log-key.pub"), receiptToBeSigned(receipt.protectedBytes, root), receipt.signature);
    }
  }
});

test("the COSE working group's example receipts are read as their diagnostic notation says", {
  skip: noVectors,
}, () => {
  const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(vectors, "cose-receipts", name)));
  const inclusion = parseReceipt(read("inclusion-receipt.cbor"));
  assert.equal(inclusion.algorithm, "ES256");
  assert.deepEqual([inclusion.size, inclusion.index, inclusion.path.length], [5, 3, 3]);
  assert.equal(inclusion.claims.iss, "https://transparency-service.example.com");
  assert.equal(inclusion.path[0]?.toHex().slice(0, 8), "3d06455d");

  const bytes = read("consistency-receipt.cbor");
  assert.throws(
    () => parseReceipt(bytes),
    (error) => isAttestryError(error) && error.code === "MALFORMED_RECEIPT",
  );
  const proofs = asMap(parseSign1(bytes).unprotected.get(396), "proofs", "MALFORMED_RECEIPT");
  const [proof] = asArray(proofs.get(-2), "consistency proofs", "MALFORMED_RECEIPT");
  const [size1, size2, path] = asArray(decodeCbor(proof as Uint8Array), "proof", "MALFORMED_RECEIPT");
  assert.deepEqual([size1, size2, (path as Uint8Array[]).length], [3, 5, 4]);
});

test("an issuer that is known by its key alone is named as RFC 9679 names it", () => {
  // RFC 9679 §6: the example key and its SHA-256 thumbprint.
  const x = "65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d";
  const y = "1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c";
  const key = publicKey("ES256", Uint8Array.fromHex(`04${x}${y}`));
  assert.equal(keyThumbprint(key).toHex(), "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec");
  assert.match(
    thumbprintUri(keyThumbprint(key)),
    /^urn:ietf:params:oauth:ckt:sha-256:SWvYr63zB-WwjGSwQhv53AFSijRKQ72oj63RZp2iU-w$/,
  );
});
