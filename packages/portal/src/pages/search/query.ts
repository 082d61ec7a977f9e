/** A search as the address holds it, so that it can be sent on as a link. */
import { decodeHex } from "@attestry/core";
import type { EntryQuery } from "@attestry/core/client";

/** As it was typed; empty where nothing was. */
export interface SearchFields {
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal. */
  readonly hash: string;
  /** Days: 2026-11-22. */
  readonly from: string;
  readonly to: string;
}

const names = ["subject", "issuer", "hash", "from", "to"] as const;
const pageLength = 20;
const day = 86_400_000;

export function readFields(query: URLSearchParams): SearchFields {
  const [subject = "", issuer = "", hash = "", from = "", to = ""] = names.map((name) => query.get(name) ?? "");
  return { subject, issuer, hash, from, to };
}

/** The search's address; `cursor` is where an older page begins. */
export function searchHref(fields: SearchFields, cursor?: string): string {
  const query = new URLSearchParams();
  for (const name of names) if (fields[name].trim() !== "") query.set(name, fields[name].trim());
  if (cursor !== undefined) query.set("cursor", cursor);
  return query.size === 0 ? "/search" : `/search?${query}`;
}

/** Without spaces and in lower case, which is how it may have been copied. */
export function tidyHash(text: string): string {
  return text.replaceAll(/\s/g, "").toLowerCase();
}

export function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(tidyHash(text));
}

/** What the notary is asked. What cannot be asked for, such as half a date, is left out. */
export function toQuery(fields: SearchFields, cursor: string | null): EntryQuery {
  const from = Date.parse(fields.from);
  const to = Date.parse(fields.to);
  return {
    limit: pageLength,
    ...(fields.subject !== "" && { subject: fields.subject }),
    ...(fields.issuer !== "" && { issuer: fields.issuer }),
    ...(isHash(fields.hash) && { digest: decodeHex(tidyHash(fields.hash)) }),
    ...(!Number.isNaN(from) && { from: new Date(from) }),
    ...(!Number.isNaN(to) && { to: new Date(to + day) }), // the whole of the last day
    ...(cursor !== null && { cursor }),
  };
}
