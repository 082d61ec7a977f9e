/**
 * An RFC 3161 authority behind the `Ledger` port: it is asked, remembered and retried like any ledger, its token is the proof, and
 * what it has stamped is final at once.
 */
import { decodeBase64, encodeBase64, encodeCheckpoint, encodeUtf8, isAttestryError, sha256 } from "@attestry/core";
import { checkTimeStamp, type Imprint, type TimeStamp } from "@attestry/core/timestamp";
import type {
  AnchorPlace,
  AnchorPosition,
  AnchorTarget,
  Ledger,
  LedgerHealth,
  ProvenAnchor,
  Submission,
} from "@attestry/ledger";
import { requestTimeStamp } from "./client.ts";

export interface TimeStampLedgerOptions {
  readonly name: string;
  readonly url: string;
  /** DER certificates that the authority's must lead to. */
  readonly roots: readonly Uint8Array[];
}

export function createTimeStampLedger({ name, url, roots }: TimeStampLedgerOptions): Ledger {
  /** What the token in the journal says; undefined when there is none, and when it does not hold under these roots (any more). */
  async function readToken(target: AnchorTarget, journal: string | undefined): Promise<TimeStamp | undefined> {
    if (journal === undefined) return undefined;
    try {
      return await checkTimeStamp({ token: decodeToken(journal), imprint: imprintOf(target), roots });
    } catch (error) {
      if (isAttestryError(error)) return undefined;
      throw error;
    }
  }

  return {
    name,

    async submitAnchor(target: AnchorTarget, { journal, save }: Submission): Promise<void> {
      if ((await readToken(target, journal)) !== undefined) return;
      const { token } = await requestTimeStamp({ url, imprint: imprintOf(target), roots });
      await save(encodeBase64(token));
    },

    async readAnchor(target: AnchorTarget, journal?: string): Promise<AnchorPosition> {
      const stamp = await readToken(target, journal);
      if (stamp === undefined) return { state: "absent" };
      return { state: "final", place: { block: 0, id: stamp.serial, time: stamp.time } };
    },

    async collectProof(_target: AnchorTarget, place: AnchorPlace, journal?: string): Promise<ProvenAnchor> {
      return { proof: decodeToken(journal ?? ""), place };
    },

    async health(): Promise<LedgerHealth> {
      return { network: "time stamp authority", account: "", block: 0, time: 0, problems: [] };
    },
  };
}

/** The journal is the token. */
function decodeToken(journal: string): Uint8Array {
  return decodeBase64(journal, "FATAL_CORRUPT");
}

/** A token is over the text that the log signs. */
function imprintOf(target: AnchorTarget): Imprint {
  const text = encodeCheckpoint({ ...target, extensions: [] });
  return { algorithm: "SHA-256", digest: sha256(encodeUtf8(text)) };
}
