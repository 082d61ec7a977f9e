/** Verification: offline and warm in one process, beside the signature checks alone; and the command, cold. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  emptyTrust,
  encodeUtf8,
  parseProofFile,
  parseThumbprintUri,
  parseVerifierKey,
  sha256,
  type Trust,
  verify,
} from "@attestry/core";
import { type Bench, median, seconds } from "./figure.ts";
import { signatureRate } from "./limits.ts";
import { startNotary } from "./notary.ts";

const command = join(import.meta.dirname, "../node_modules/.bin/attestry");

export const benchVerify: Bench = async ({ folder, quick }) => {
  const data = join(folder, "verify");
  const notary = await startNotary(data, ["--no-ledger"]);
  const file = join(folder, "deed.pdf");
  writeFileSync(file, "%PDF-1.7 a deed");
  let trust: Trust;
  try {
    execFileSync(command, ["notarize", file, "--server", notary.url, "--data", data], { stdio: "pipe" });
    const status = (await (await fetch(`${notary.url}/v1/status`)).json()) as {
      origin: string;
      verifierKeys: string[];
      receiptKey: string;
    };
    const log = {
      origin: status.origin,
      verifierKeys: status.verifierKeys.map(parseVerifierKey),
      receiptKeys: [parseThumbprintUri(status.receiptKey) ?? new Uint8Array()],
      basis: "this run",
    };
    trust = { ...emptyTrust, logs: [log] };
  } finally {
    await notary.stop();
  }
  const proof = new Uint8Array(readFileSync(`${file}.proof`));
  const digest = sha256(encodeUtf8("%PDF-1.7 a deed"));
  const statements = parseProofFile(proof).receipts.length;
  if (statements !== 1) throw new Error("the bench expects a proof with one receipt");
  const rates: number[] = [];
  const limits: number[] = [];
  for (let round = 0; round < (quick ? 3 : 7); round++) {
    // A proof carries two ES256 signatures (statement, receipt), one Ed25519 and one ML-DSA-44 (checkpoint).
    const perProof =
      2 / signatureRate("ES256", 500) + 1 / signatureRate("EdDSA", 500) + 1 / signatureRate("ML-DSA-44", 500);
    limits.push(1 / perProof);
    const count = 1000;
    const taken = await seconds(async () => {
      for (let i = 0; i < count; i++) {
        const report = await verify({ proof, digest, trust });
        if (report.verdict !== "verified") throw new Error(report.summary);
      }
    });
    rates.push(count / taken);
  }
  const cold: number[] = [];
  for (let i = 0; i < (quick ? 5 : 15); i++) {
    cold.push(
      1000 *
        (await seconds(() =>
          execFileSync(command, ["verify", file, "--offline", "--data", data, "--json"], { stdio: "pipe" }),
        )),
    );
  }
  return [
    {
      name: "verify a proof offline, warm",
      value: median(rates),
      unit: "/s",
      limit: { name: "its four signature checks, one thread", value: median(limits) },
      target: { of: "ratio", atLeast: 0.7 },
    },
    { name: "attestry verify, cold", value: median(cold), unit: "ms", target: { of: "value", atMost: 300 } },
  ];
};
