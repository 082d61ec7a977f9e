/** The thread that `hash-pool.ts` starts: hashes the files of one group after the other and posts what came of them. */
import { parentPort } from "node:worker_threads";
import { readAndHash } from "./read-and-hash.ts";

/** What a thread posts for a group; between groups it posts plain numbers, the bytes read since it last did. */
export interface GroupResult {
  /** 32 bytes a file. */
  readonly digests: Uint8Array;
  readonly sizes: Float64Array;
  readonly failures: readonly { readonly place: number; readonly code: string; readonly message: string }[];
}

/** `undefined` ends the thread; ending by itself, it leaves its compiled code in the cache for the next time. */
parentPort?.on("message", (paths: readonly string[] | undefined) => {
  if (paths === undefined) parentPort?.close();
  else hashGroup(paths).then((result) => parentPort?.postMessage(result));
});

async function hashGroup(paths: readonly string[]): Promise<GroupResult> {
  const digests = new Uint8Array(paths.length * 32);
  const sizes = new Float64Array(paths.length);
  const failures: GroupResult["failures"][number][] = [];
  for (const [place, path] of paths.entries()) {
    try {
      const { digest, size } = await readAndHash(path, (count) => parentPort?.postMessage(count));
      digests.set(digest, place * 32);
      sizes[place] = size;
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      failures.push({ place, code, message });
    }
  }
  return { digests, sizes, failures };
}
