/** Hashes a file in a worker of its own; the file never leaves the browser. */
import { AttestryError } from "@attestry/core";
import { scriptUrl } from "../trusted-url.ts";
import type { HashMessage } from "./worker.ts";
import workerUrl from "./worker.ts?worker&url";

export interface HashOptions {
  /** Hears how many bytes are done, some times a second. */
  readonly onBytes?: (bytes: number) => void;
  /** Ends the work at once. */
  readonly signal?: AbortSignal;
}

/** A worker that waits for a file: it was loaded while the network was there. */
let spare: Worker | undefined;

/** Loads the worker ahead of time, so that a page that is open goes on without the network. */
export function prepareHashing(): void {
  spare ??= start();
}

function start(): Worker {
  return new Worker(scriptUrl(workerUrl), { type: "module" });
}

/**
 * SHA-256 in lower-case hexadecimal.
 * @throws USAGE_FILE when the file cannot be read to its end; the signal's reason when it is given up
 */
export function hashFile(file: Blob, { onBytes, signal }: HashOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const worker = spare ?? start();
    spare = undefined;
    const giveUp = (): void => {
      worker.terminate();
      reject(signal?.reason);
    };
    const end = (settle: () => void): void => {
      signal?.removeEventListener("abort", giveUp);
      if (spare === undefined) spare = worker;
      else worker.terminate();
      settle();
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    worker.onmessage = ({ data }: MessageEvent<HashMessage>) => {
      if ("bytes" in data) onBytes?.(data.bytes);
      else if ("hash" in data) end(() => resolve(data.hash));
      else end(() => reject(new AttestryError("USAGE_FILE", "The file cannot be read to its end.")));
    };
    worker.onerror = () => {
      worker.terminate();
      reject(new AttestryError("FATAL_INTERNAL", "The hashing could not be started."));
    };
    worker.postMessage(file);
  });
}
