/** The thread that sets one certificate: see `printer.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { isAttestryError } from "@attestry/core";
import { type CertificateOptions, createCertificate } from "./certificate.ts";
import type { PrinterAnswer } from "./printer.ts";

async function answer(): Promise<PrinterAnswer> {
  try {
    return { pdf: await createCertificate(workerData as CertificateOptions) };
  } catch (error) {
    if (isAttestryError(error)) return { code: error.code, message: error.message };
    throw error;
  }
}

parentPort?.postMessage(await answer());
