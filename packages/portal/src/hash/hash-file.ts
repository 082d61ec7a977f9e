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

/**
 * SHA-256 in lower-case hexadecimal.
 * @throws USAGE_FILE when the file cannot be read to its end; the signal's reason when it is given up
 */
export function hashFile(file: Blob, { onBytes, signal }: HashOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const worker = new Worker(scriptUrl(workerUrl), { type: "module" });
    const giveUp = (): void => {
      worker.terminate();
      reject(signal?.reason);
    };
    const end = (settle: () => void): void => {
      signal?.removeEventListener("abort", giveUp);
      worker.terminate();
      settle();
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    worker.onmessage = ({ data }: MessageEvent<HashMessage>) => {
      if ("bytes" in data) onBytes?.(data.bytes);
      else if ("hash" in data) end(() => resolve(data.hash));
      else end(() => reject(new AttestryError("USAGE_FILE", "The file cannot be read to its end.")));
    };
    worker.onerror = () => end(() => reject(new AttestryError("FATAL_INTERNAL", "The hashing could not be started.")));
    worker.postMessage(file);
  });
}
