/** Tells of every call of the vault's parts, before and after it, so that a test can fail there or kill the process. */
import { AttestryError } from "@attestry/core";
import type { TestVault } from "./sample-vault.ts";

/** As in "before objects.seal" and "after catalogue.settleEvent". */
export type Reach = (step: string) => void;

/** The same part; `reach` may throw in its place. */
export function tellSteps<T extends object>(name: string, part: T, reach: Reach): T {
  const told = Object.entries(part).map(([key, value]) => {
    if (typeof value !== "function" || key === "close" || key === "newMemory") return [key, value];
    const method = async (...args: unknown[]): Promise<unknown> => {
      reach(`before ${name}.${key}`);
      const result = await value.apply(part, args);
      reach(`after ${name}.${key}`);
      return result;
    };
    return [key, method];
  });
  return { ...part, ...Object.fromEntries(told) };
}

export interface Scenario {
  readonly vault: Pick<
    TestVault,
    | "object"
    | "begin"
    | "upload"
    | "append"
    | "commit"
    | "read"
    | "hold"
    | "release"
    | "rewrap"
    | "erase"
    | "statementOf"
  >;
  readonly content: Uint8Array;
  /** A new key-encryption key takes over. */
  rotate(): void;
  /** Told of what was acknowledged. */
  say(what: "begun" | "stored" | "held" | "released" | "rotated" | "erased", id: string): void;
  /** Tries a step again, or not. */
  again<T>(step: () => Promise<T>): Promise<T>;
}

const access = { who: "clerk", purpose: "the scenario" };

/** The whole life of an object, from its upload in two parts to its erasure. Goes on with an upload or object when one is given. */
export async function playScenario({ vault, content, rotate, say, again }: Scenario, begun?: string): Promise<string> {
  const id = begun ?? (await again(() => vault.begin({ who: access.who }))).id;
  say("begun", id);
  const half = Math.floor(content.length / 2);
  let isComplete = begun !== undefined && (await isObject(vault, id));
  while (!isComplete) {
    isComplete = await again(async () => {
      const { offset, content: whole } = await vault.upload(id);
      if (whole !== undefined) return true;
      const end = offset < half ? half : content.length;
      const upload = await vault.append(id, offset, [content.subarray(offset, end)], {
        isLast: end === content.length,
      });
      return upload.content !== undefined;
    });
  }
  const statement = await again(() => vault.statementOf(content));
  await again(() => vault.commit(id, statement, access));
  say("stored", id);
  await again(() => readAll(vault, id, content));
  await again(() => vault.hold(id, "case 7", access));
  say("held", id);
  await again(() => vault.release(id, "case 7", access)).catch((error) => {
    // Released already, when the answer did not come.
    if (!(error instanceof AttestryError) || error.code !== "NOT_FOUND") throw error;
  });
  say("released", id);
  rotate();
  await again(() => vault.rewrap());
  say("rotated", id);
  await again(() => vault.erase(id, "order 99", access));
  say("erased", id);
  return id;
}

const isObject = ({ object }: Scenario["vault"], id: string): Promise<boolean> =>
  object(id).then(
    () => true,
    () => false,
  );

async function readAll({ read }: Scenario["vault"], id: string, content: Uint8Array): Promise<void> {
  const reading = await read(id, access);
  let at = 0;
  for await (const part of reading.content) {
    if (Buffer.compare(part, content.subarray(at, at + part.length)) !== 0) throw new Error("other content was read");
    at += part.length;
  }
  if (at !== content.length) throw new Error("not all content was read");
}
