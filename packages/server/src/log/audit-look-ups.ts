/** The audit of look-up rows, run by run: the rows of a run are those that its entries' keys call for, and no other. */
import { encodeHex } from "@attestry/core";
import type { AuditContext, Finding } from "./audit.ts";
import { createCursor } from "./audit-scan.ts";
import { entriesPerRun, type LogRows, splitKeys } from "./store.ts";

export interface LookUpChecker {
  /** An entry with the keys it calls for; undefined when they are not known, because the entry is itself a finding. */
  add(index: number, keys: Uint8Array | undefined): void;
  /** Checks the run that ends before this index, if one does. */
  checkRunBefore(index: number): Promise<void>;
  /** Checks the last run and finds the rows beyond it. */
  finish(size: number): Promise<void>;
}

export function createLookUpChecker(context: AuditContext): LookUpChecker {
  const cursor = createCursor(context, "lookUps");
  let expected = new Set<string>();
  let unknown = new Set<number>();

  async function checkRun(run: number, size: number): Promise<void> {
    for await (const row of cursor.takeWhile((row) => row.run <= run)) {
      const isExpected = row.run === run && (expected.delete(rowKey(row)) || unknown.has(row.index));
      if (!isExpected && (row.index < size || !(await context.hasGrownTo(row.index + 1)))) report(row, "extra");
    }
    for (const key of cursor.isWhole ? expected : []) report({ run, ...parseRowKey(key) }, "missing");
    expected = new Set();
    unknown = new Set();
  }

  function report({ run, key, index }: RowPlace, problem: Finding["problem"]): void {
    const at = { run, key: typeof key === "string" ? key : encodeHex(key), index };
    const message = `The look-up row of entry ${index} under ${at.key} is ${problem}.`;
    context.found.push({ record: "lookUp", problem, at, message });
  }

  return {
    add(index: number, keys: Uint8Array | undefined): void {
      if (keys === undefined) unknown.add(index);
      else for (const key of splitKeys(keys)) expected.add(rowKey({ key, index }));
    },
    async checkRunBefore(index: number): Promise<void> {
      if (index % entriesPerRun === 0) await checkRun(index / entriesPerRun - 1, index);
    },
    async finish(size: number): Promise<void> {
      await checkRun(Math.floor(size / entriesPerRun), size);
      for await (const row of cursor.takeWhile(() => true)) {
        if (row.index < size || !(await context.hasGrownTo(row.index + 1))) report(row, "extra");
      }
    },
  };
}

interface RowPlace {
  readonly run: number;
  readonly key: Uint8Array | string;
  readonly index: number;
}

function rowKey({ key, index }: Pick<LogRows["lookUps"], "key" | "index">): string {
  return `${encodeHex(key)}/${index}`;
}

function parseRowKey(text: string): { key: string; index: number } {
  const [key = "", index] = text.split("/");
  return { key, index: Number(index) };
}
