/**
 * Rotation of the key-encryption key: a new one is made, every data key is wrapped anew under it in the background, and the old ones
 * are forgotten when that is asked for. One that was cut short is gone on with the next time, whoever made the new key.
 */
import { AttestryError, isAttestryError } from "@attestry/core";
import type { Logger } from "pino";
import type { Catalogue } from "./catalogue/catalogue.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import type { Keyring } from "./keys/local-keyring.ts";

/** How the vault's keys stand. */
export interface KeyState {
  /** The key-encryption key that wraps now. */
  readonly key: string;
  /** Data keys that another one wrapped: a rotation that is not done yet. */
  readonly pending: number;
  /** The last rotation since the notary was started. */
  readonly rotation: {
    readonly state: "none" | "running" | "done" | "failed";
    readonly done: number;
    readonly total: number;
    /** Why it failed; begun again, it goes on. */
    readonly problem?: string;
  };
}

export interface Rotation {
  /** Begins, and resolves when the new key is there; the wrapping goes on. The same again, meanwhile, changes nothing. */
  rotate(options?: { readonly forget?: boolean | undefined }): Promise<KeyState>;
  keyState(): Promise<KeyState>;
  /** Ends what is under way between two keys. */
  stop(): Promise<void>;
}

export interface RotationParts {
  readonly catalogue: Pick<Catalogue, "countKeys" | "listWrappers">;
  readonly keys: KeyWrapper & Partial<Pick<Keyring, "addKey" | "retire">>;
  rewrap(onProgress: (done: number, total: number) => void, signal: AbortSignal): Promise<number>;
  readonly logger: Logger;
}

export function createRotation({ catalogue, keys, rewrap, logger }: RotationParts): Rotation {
  let rotation: KeyState["rotation"] = { state: "none", done: 0, total: 0 };
  let running: Promise<void> | undefined;
  let beginning: Promise<void> | undefined;
  const stopping = new AbortController();

  const keyState = async (): Promise<KeyState> => {
    return { key: keys.id, pending: await catalogue.countKeys(keys.id), rotation };
  };

  /** A hardware module's keys are made there: the newest of them takes over when the notary starts. */
  async function begin(forget: boolean): Promise<void> {
    if ((await catalogue.countKeys(keys.id)) === 0) await keys.addKey?.();
    rotation = { state: "running", done: 0, total: 0 };
    running = run(forget).finally(() => {
      running = undefined;
    });
  }

  async function run(forget: boolean): Promise<void> {
    try {
      const onProgress = (done: number, total: number): void => {
        rotation = { state: "running", done, total };
      };
      await rewrap(onProgress, stopping.signal);
      if (stopping.signal.aborted) return;
      if (forget) await keys.retire?.(new Set(await catalogue.listWrappers()));
      rotation = { ...rotation, state: "done" };
    } catch (error) {
      logger.error({ err: error }, "the vault's keys could not all be wrapped anew");
      const problem = isAttestryError(error) ? error.code : "FATAL_INTERNAL";
      rotation = { ...rotation, state: "failed", problem };
    }
  }

  return {
    keyState,
    async rotate({ forget = false } = {}): Promise<KeyState> {
      if (stopping.signal.aborted) throw new AttestryError("UNAVAILABLE_STOPPING");
      if (running === undefined) {
        beginning ??= begin(forget).finally(() => {
          beginning = undefined;
        });
        await beginning;
      }
      return keyState();
    },
    async stop(): Promise<void> {
      stopping.abort();
      await beginning?.catch(() => {});
      await running;
    },
  };
}
