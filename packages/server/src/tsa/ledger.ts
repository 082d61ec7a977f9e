/**
 * An RFC 3161 authority behind the `Ledger` port: it is asked, remembered and retried like any ledger, its token is the proof, and
 * what it has stamped is final at once.
 */
import { AttestryError, decodeBase64, encodeBase64, encodeCheckpoint, encodeUtf8, sha256 } from "@attestry/core";
import { checkTimeStamp, type Imprint } from "@attestry/core/timestamp";
import type { AnchorPlace, AnchorPosition, AnchorTarget, Ledger, LedgerHealth, Submission } from "@attestry/ledger";
import { requestTimeStamp } from "./client.ts";

export interface TimeStampLedgerOptions {
  readonly name: string;
  readonly url: string;
  /** DER certificates that the authority's must lead to. */
  readonly roots: readonly Uint8Array[];
}

export function createTimeStampLedger({ name, url, roots }: TimeStampLedgerOptions): Ledger {
  const authority = URL.parse(url)?.host ?? url;
  // The journal is the token. What was read from it last, by tree size, until its proof is collected.
  const tokens = new Map<number, Uint8Array>();

  return {
    name,

    async submitAnchor(target: AnchorTarget, { journal, save }: Submission): Promise<void> {
      if (journal !== undefined) return;
      const { token } = await requestTimeStamp({ url, imprint: imprintOf(target), roots });
      await save(encodeBase64(token));
    },

    async readAnchor(target: AnchorTarget, journal?: string): Promise<AnchorPosition> {
      if (journal === undefined) return { state: "absent" };
      const token = decodeBase64(journal, "FATAL_CORRUPT");
      const { time, serial } = await checkTimeStamp({ token, imprint: imprintOf(target), roots });
      tokens.set(target.size, token);
      return { state: "final", place: { block: 0, id: serial, time } };
    },

    async collectProof(target: AnchorTarget, _place: AnchorPlace): Promise<Uint8Array> {
      const token = tokens.get(target.size);
      if (token === undefined) throw new AttestryError("UNAVAILABLE_LEDGER", "The token has not been read again yet.");
      tokens.delete(target.size);
      return token;
    },

    async health(): Promise<LedgerHealth> {
      return { network: `time stamp authority ${authority}`, account: "", block: 0, time: 0, problems: [] };
    },
  };
}

/** A token is over the text that the log signs. */
function imprintOf(target: AnchorTarget): Imprint {
  const text = encodeCheckpoint({ ...target, extensions: [] });
  return { algorithm: "SHA-256", digest: sha256(encodeUtf8(text)) };
}
