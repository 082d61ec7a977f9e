/** Runs one check and writes down what came of it, so that the policy reads as a list of steps. */
import { isAttestryError } from "../errors.ts";
import type { Check, CheckName } from "./report.ts";

export interface Finding {
  /** Left out: pass. */
  readonly status?: "unknown";
  readonly detail: string;
  readonly trust: string;
  readonly facts?: NonNullable<Check["facts"]>;
}

/** ISO 8601; a time beyond what dates can hold, as text. */
export function isoTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : date.toISOString();
}

/** What proves itself by calculation alone. */
export const mathematics = "mathematics";

/** An AttestryError becomes a failed check that carries its code and data; any other error is a fault of ours and is thrown on. */
export async function step(name: CheckName, trust: string, run: () => Finding | Promise<Finding>): Promise<Check> {
  try {
    return { name, status: "pass", ...(await run()) };
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return { name, status: "fail", detail: error.message, trust, code: error.code, evidence: error.data };
  }
}
