/** Tells when a file that is being written has come to rest: its size and times have stayed the same for a while. */
import type { Stats } from "node:fs";

/** What of a file shows that it was written to or replaced. */
export type Look = Pick<Stats, "dev" | "ino" | "size" | "mtimeMs" | "ctimeMs">;

export interface Settling {
  /** Notes how the file looks at `now` (milliseconds). True when it has looked like that for the quiet time. */
  hasSettled(path: string, look: Look, now: number): boolean;
  /** Forgets every file that is not among these. */
  keepOnly(paths: ReadonlySet<string>): void;
}

/** @param quiet milliseconds */
export function createSettling(quiet: number): Settling {
  const seen = new Map<string, { readonly key: string; readonly since: number }>();
  return {
    hasSettled(path, look, now) {
      const key = lookKey(look);
      const before = seen.get(path);
      if (before?.key === key) return now - before.since >= quiet;
      seen.set(path, { key, since: now });
      return false;
    },
    keepOnly(paths) {
      for (const path of seen.keys()) if (!paths.has(path)) seen.delete(path);
    },
  };
}

/** Equal for two looks at a file that nobody touched in between. */
export function lookKey(look: Look): string {
  return `${look.dev} ${look.ino} ${look.size} ${look.mtimeMs} ${look.ctimeMs}`;
}
