/**
 * Sets certificates one after the other, each in a thread of its own: reading the fonts and laying out the pages takes some tenths of
 * a second of the processor, and registrations must not wait for that.
 */
import { Worker } from "node:worker_threads";
import { AttestryError, type ErrorCode } from "@attestry/core";
import type { CertificateOptions } from "./certificate.ts";

export type PrinterAnswer = { readonly pdf: Uint8Array } | { readonly code: ErrorCode; readonly message: string };

export interface Printer {
  /** @throws as `createCertificate`; PUSHBACK when too many wait; UNAVAILABLE_STOPPING after `close` */
  print(options: CertificateOptions): Promise<Uint8Array>;
  /** Gives up what is under way. */
  close(): Promise<void>;
}

export function createPrinter(longestQueue = 16): Printer {
  let worker: Worker | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let closed = false;

  function printNow(workerData: CertificateOptions): Promise<Uint8Array> {
    if (closed) throw new AttestryError("UNAVAILABLE_STOPPING");
    const thread = new Worker(new URL("./worker.ts", import.meta.url), { execArgv: [], workerData });
    worker = thread;
    return new Promise((resolve, reject) => {
      thread.once("message", (answer: PrinterAnswer) =>
        "pdf" in answer ? resolve(answer.pdf) : reject(new AttestryError(answer.code, answer.message)),
      );
      thread.once("error", (cause) => reject(new AttestryError("FATAL_INTERNAL", undefined, { cause })));
      thread.once("exit", () => reject(new AttestryError(closed ? "UNAVAILABLE_STOPPING" : "FATAL_INTERNAL")));
    });
  }

  return {
    async print(options: CertificateOptions): Promise<Uint8Array> {
      if (waiting >= longestQueue) throw new AttestryError("PUSHBACK");
      waiting += 1;
      const printed = last.then(() => printNow(options));
      last = printed.catch(() => {});
      return printed.finally(() => {
        waiting -= 1;
      });
    },
    async close(): Promise<void> {
      closed = true;
      await worker?.terminate();
    },
  };
}
