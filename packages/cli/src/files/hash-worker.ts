/** The thread that `hash-pool.ts` starts: hashes the files of one group after the other and posts what came of them. */
import { parentPort } from "node:worker_threads";
import { isAttestryError } from "@attestry/core";
import { hashFileSync } from "./hash-file.ts";

/** What a thread posts for a group; between groups it posts plain numbers, the bytes read since it last did. */
export interface GroupResult {
  /** 32 bytes a file. */
  readonly digests: Uint8Array;
  readonly sizes: Float64Array;
  readonly failures: readonly { readonly place: number; readonly code: string; readonly message: string }[];
}

parentPort?.on("message", (paths: readonly string[]) => parentPort?.postMessage(hashGroup(paths)));

function hashGroup(paths: readonly string[]): GroupResult {
  const digests = new Uint8Array(paths.length * 32);
  const sizes = new Float64Array(paths.length);
  const failures: GroupResult["failures"][number][] = [];
  for (const [place, path] of paths.entries()) {
    try {
      const { digest, size } = hashFileSync(path, (count) => parentPort?.postMessage(count));
      digests.set(digest, place * 32);
      sizes[place] = size;
    } catch (error) {
      const code = isAttestryError(error) ? error.code : "FATAL_INTERNAL";
      failures.push({ place, code, message: error instanceof Error ? error.message : String(error) });
    }
  }
  return { digests, sizes, failures };
}
