/** Registers signed statements with patience: what was not answered is sent again, unchanged, so that it is entered once. */
import { setTimeout as sleep } from "node:timers/promises";
import { AttestryError, isAttestryError } from "@attestry/core";
import type { NotaryClient, Registration } from "@attestry/core/client";
import { enrolmentHint, type Identity } from "./identity.ts";

/** Seconds to wait before each new try; 7 in all. */
const patience = [0.25, 0.75, 2, 4] as const;
const longestWait = 15;

/** As `registerPatiently`; when the key is not enrolled, the error says how an administrator lets it in. */
export async function registerAs(
  identity: Identity,
  notary: Pick<NotaryClient, "register">,
  statements: readonly Uint8Array[],
): Promise<Registration[]> {
  const results = await registerPatiently(notary, statements);
  return results.map((result) => ("error" in result ? { error: explainRefusal(identity, result.error) } : result));
}

/** The error; when the key is not enrolled, with how an administrator lets it in. */
export function explainRefusal(identity: Identity, error: AttestryError): AttestryError {
  if (!isNotEnrolled(error)) return error;
  const { code, message } = error;
  const what = code === "VERIFY_CERTIFICATE" ? message : "Your key is not enrolled at the notary.";
  return new AttestryError(code, `${what} ${enrolmentHint(identity)}`);
}

function isNotEnrolled({ code }: AttestryError): boolean {
  return code === "POLICY_ISSUER_UNKNOWN" || code === "VERIFY_CERTIFICATE";
}

/** As `registerAs`, for one statement. @throws what it was refused for */
export async function registerOne(
  identity: Identity,
  notary: Pick<NotaryClient, "register">,
  statement: Uint8Array,
): Promise<Exclude<Registration, { error: AttestryError }>> {
  const [result] = await registerAs(identity, notary, [statement]);
  if (result === undefined || "error" in result) throw result?.error ?? new AttestryError("FATAL_INTERNAL");
  return result;
}

/**
 * As `NotaryClient.register`, trying again while the notary is unreachable or busy.
 * @throws what the last try threw; a statement that is refused, or still put off after the last try, has its own error
 */
export async function registerPatiently(
  notary: Pick<NotaryClient, "register">,
  statements: readonly Uint8Array[],
  waits: readonly number[] = patience,
): Promise<Registration[]> {
  const results: Registration[] = [];
  let open = statements.map((_, place) => place);
  for (let attempt = 0; ; attempt++) {
    const wait = waits[attempt];
    let retryAfter = 0;
    try {
      const answers = await notary.register(open.map((place) => statements[place] as Uint8Array));
      for (const [at, answer] of answers.entries()) results[open[at] as number] = answer;
      open = open.filter((place) => isPutOff(results[place]));
      if (open.length === 0 || wait === undefined) return results;
    } catch (error) {
      if (!isAttestryError(error) || !error.facts.retry || wait === undefined) throw error;
      retryAfter = Number(error.data["retryAfter"] ?? 0);
    }
    await sleep(Math.min(Math.max(wait, retryAfter), longestWait) * 1000);
  }
}

function isPutOff(result: Registration | undefined): boolean {
  return result !== undefined && "error" in result && result.error.facts.retry;
}

/** Whether every further file would meet the same refusal, so that going on is no use. */
export function endsTheRun(error: AttestryError): boolean {
  return error.facts.retry || isNotEnrolled(error) || error.code === "POLICY_ISSUER_REVOKED";
}
