/** What keeps the vault in order: finishing after a crash, sweeping what was left over, and wrapping keys anew. */
import { AttestryError, isAttestryError } from "@attestry/core";
import type { Logger } from "pino";
import type { WrappedKey } from "./catalogue/catalogue.ts";
import { wrapperIdOf } from "./keys/key-wrapper.ts";
import type { Recorder } from "./recording.ts";
import type { Uploads } from "./uploads.ts";
import type { SweepSummary, Vault, VaultOptions } from "./vault.ts";

export interface HousekeepingParts extends Pick<VaultOptions, "catalogue" | "objects" | "keys"> {
  readonly recorder: Recorder;
  readonly abandon: Uploads["abandon"];
  readonly clock: () => number;
  /** Milliseconds after which an upload that nobody goes on with is given up. */
  readonly uploadLife: number;
  readonly logger: Logger;
}

const pageSize = 500;

export function createHousekeeping(
  parts: HousekeepingParts,
): Pick<Vault, "sweep" | "rewrap"> & { recover(): Promise<void> } {
  const { catalogue, objects, recorder, abandon, clock, uploadLife } = parts;

  /** Events that a crash left between two steps, and what follows from them. */
  async function recover(): Promise<void> {
    for (const { id, state } of await recorder.recover()) {
      const object = state === "erased" ? await catalogue.readObject(id) : undefined;
      if (object !== undefined) await objects.remove(object.place);
    }
  }

  async function sweepUploads(): Promise<number> {
    let count = 0;
    for await (const { id } of pages((after) => catalogue.listUploads(after, pageSize))) {
      if (await abandon(id, clock() - uploadLife).catch(unlessInUse)) count += 1;
    }
    return count;
  }

  async function sweepObjects(): Promise<number> {
    let count = 0;
    const ids = pages(async (after) => (await objects.list(after, pageSize)).map((id) => ({ id })));
    for await (const { id } of ids) {
      if (await catalogue.usesPlace(id)) continue;
      await objects.remove(id);
      count += 1;
    }
    return count;
  }

  return {
    recover,
    async sweep(): Promise<SweepSummary> {
      await recover();
      return { uploads: await sweepUploads(), orphans: await sweepObjects() };
    },
    rewrap: (onProgress, signal) => rewrap(parts, onProgress ?? (() => {}), signal),
  };
}

/** Every item, a page at a time. */
async function* pages<T extends { readonly id: string }>(
  read: (after: string | undefined) => Promise<readonly T[]>,
): AsyncGenerator<T> {
  for (let after: string | undefined; ; ) {
    const page = await read(after);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

/** Somebody goes on with the upload, or has just finished it. */
function unlessInUse(error: unknown): false {
  if (isAttestryError(error) && (error.code === "CONFLICT_LOCKED" || error.code === "NOT_FOUND")) return false;
  throw error;
}

/** Data keys that do not open are passed over and told of at the end, so that one does not keep the others from being wrapped. */
async function rewrap(
  { catalogue, keys, logger }: HousekeepingParts,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal | undefined,
): Promise<number> {
  const target = keys.id;
  const total = await catalogue.countKeys(target);
  const damaged: string[] = [];
  let done = 0;
  onProgress(done, total);
  for await (const before of pages((after) => catalogue.listKeys(target, after, pageSize))) {
    if (signal?.aborted === true) break;
    try {
      if (await rewrapOne(before)) done += 1;
    } catch (error) {
      if (!isAttestryError(error) || error.code !== "FATAL_CORRUPT") throw error;
      damaged.push(before.id);
    }
    onProgress(done, total);
  }
  logger.info({ keys: done, damaged: damaged.length, wrapper: target }, "data keys wrapped anew");
  if (damaged.length === 0) return done;
  const message = `${damaged.length} data keys do not open and were left as they are; the others are wrapped anew. Run attestry audit.`;
  throw new AttestryError("FATAL_CORRUPT", message, { data: { ids: damaged.slice(0, 100) } });

  async function rewrapOne(before: WrappedKey): Promise<boolean> {
    const dataKey = await keys.unwrap(before.wrappedKey, before.id);
    const wrapped = await keys.wrap(dataKey, before.id);
    dataKey.fill(0);
    return catalogue.replaceKey(before, wrapped, wrapperIdOf(wrapped));
  }
}
