/** What the machine can do at most, measured when asked for. */
import { spawn } from "node:child_process";
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { availableParallelism } from "node:os";

/** P-256 checks a second of all cores together: one process a core, since a pool of threads in one process may share locks. */
export async function p256VerifyRate(milliseconds = 3000): Promise<number> {
  const rates = await Promise.all(Array.from({ length: availableParallelism() }, () => childRate(milliseconds)));
  return rates.reduce((sum, rate) => sum + rate, 0);
}

async function childRate(milliseconds: number): Promise<number> {
  const child = spawn(process.execPath, [import.meta.filename, "p256", String(milliseconds)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  for await (const part of child.stdout) out += part;
  return Number(out);
}

/** Checks a second of one thread for each kind of signature that a proof carries. */
export function signatureRate(kind: "ES256" | "EdDSA" | "ML-DSA-44", milliseconds = 1000): number {
  const pair =
    kind === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync((kind === "EdDSA" ? "ed25519" : "ml-dsa-44") as "ed25519");
  const digest = kind === "ES256" ? "sha256" : null;
  const data = new Uint8Array(250);
  const signature = sign(digest, data, { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
  const key = { key: pair.publicKey, dsaEncoding: "ieee-p1363" as const };
  let count = 0;
  const start = performance.now();
  while (performance.now() - start < milliseconds) {
    for (let i = 0; i < 50; i++) verify(digest, data, key, signature);
    count += 50;
  }
  return (count * 1000) / (performance.now() - start);
}

if (process.argv[2] === "p256" && process.argv[1] === import.meta.filename) {
  console.log(signatureRate("ES256", Number(process.argv[3])));
}
