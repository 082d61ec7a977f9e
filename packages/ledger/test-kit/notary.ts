/** As much of a notary as an anchorer sees: a log that grows, a data folder, and everything that happened to its anchors. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AnchorRecord, AnchorStore } from "../src/anchor-store.ts";
import { type Anchorer, type AnchorerOptions, createAnchorer } from "../src/anchorer.ts";
import type { Ledger } from "../src/ledger.ts";
import { createLogSigner, eventually, rootOf } from "./chain.ts";
import { origin } from "./evm.ts";

export interface Notary extends Anchorer {
  /** Entries in the log. */
  size: number;
  readonly store: AnchorStore;
  /** Every change of a record: size and state. */
  readonly changes: readonly string[];
  /** Resolves when the anchorer has looked that often again. */
  looks(times: number, time?: number): Promise<unknown>;
  /** Resolves when the anchor of that size is in that state. */
  reaches(size: number, state: AnchorRecord["state"]): Promise<AnchorRecord>;
  /** Resolves with the message of a problem once there is one with that code. */
  hasProblem(code: string): Promise<string>;
}

export async function startNotary(
  ledger: Ledger,
  store: AnchorStore,
  more: Partial<AnchorerOptions> = {},
): Promise<Notary> {
  const records = new Map<number, AnchorRecord>();
  const changes: string[] = [];
  const log = { size: 0, read: 0 };
  const anchorer = await createAnchorer({
    ledger,
    store,
    origin,
    readCheckpoint: async () => {
      log.read += 1;
      return { size: log.size, rootHash: rootOf(log.size) };
    },
    signForLedger: createLogSigner(),
    everyMs: 0,
    everyEntries: 1,
    onChange: (record) => {
      records.set(record.size, record);
      changes.push(`${record.size} ${record.state}`);
    },
    pollMs: 20,
    maxBackoffMs: 100,
    ...more,
  });
  return {
    ...anchorer,
    store,
    changes,
    get size() {
      return log.size;
    },
    set size(value) {
      log.size = value;
    },
    looks: (times, time) => {
      const enough = log.read + times;
      return eventually(
        () => log.read,
        (read) => read >= enough,
        time,
      );
    },
    reaches: async (size, state) =>
      (await eventually(
        () => records.get(size) ?? anchorer.status().newest,
        (record) => record?.size === size && record.state === state,
      )) as AnchorRecord,
    hasProblem: async (code) =>
      (
        await eventually(
          () => anchorer.status().problem,
          (problem) => problem?.code === code,
        )
      )?.message ?? "",
  };
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "attestry-ledger-"));
}
