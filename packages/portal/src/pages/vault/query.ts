/** What is looked for in the vault, as the address holds it. */
import { decodeHex } from "@attestry/core";
import type { ObjectQuery } from "@attestry/core/client";
import { isHash, tidyHash } from "../search/query.ts";

/** As it was typed; empty where nothing was. */
export interface VaultFields {
  readonly subject: string;
  /** Hexadecimal. */
  readonly hash: string;
  /** Empty: any. */
  readonly state: string;
}

const names = ["subject", "hash", "state"] as const;
const pageLength = 20;

export function readFields(query: URLSearchParams): VaultFields {
  const [subject = "", hash = "", state = ""] = names.map((name) => query.get(name) ?? "");
  return { subject, hash, state };
}

/** The address; `cursor` is where an older page begins. */
export function vaultHref(fields: VaultFields, cursor?: string): string {
  const query = new URLSearchParams();
  for (const name of names) if (fields[name].trim() !== "") query.set(name, fields[name].trim());
  if (cursor !== undefined) query.set("cursor", cursor);
  return query.size === 0 ? "/vault" : `/vault?${query}`;
}

/** What the notary is asked. What it cannot be asked is left out. */
export function toQuery({ subject, hash, state }: VaultFields, cursor: string | null): ObjectQuery {
  return {
    limit: pageLength,
    ...(subject !== "" && { subject }),
    ...(isHash(hash) && { hash: decodeHex(tidyHash(hash)) }),
    ...((state === "whole" || state === "erased") && { state }),
    ...(cursor !== null && /^\d{1,16}$/.test(cursor) && { cursor }),
  };
}
