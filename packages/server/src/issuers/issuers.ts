/**
 * The enrolled issuers as admission asks for them: held in memory, every change durable in the store first, and read again when
 * another process changed something.
 */
import {
  AttestryError,
  encodeBase64Url,
  encodeCoseKey,
  keyThumbprint,
  type PublicKey,
  parseCoseKey,
  sha256,
  thumbprintUri,
} from "@attestry/core";
import type { Issuer, IssuerStore } from "./store.ts";

/** An issuer with what its statements are checked with, read once. */
export type EnrolledIssuer =
  | (Issuer & { readonly kind: "key"; readonly issuer: string; readonly key: PublicKey })
  | (Issuer & { readonly kind: "root" });

export interface Issuers {
  /** All of them, revoked ones too, in the order they were enrolled. */
  list(): readonly EnrolledIssuer[];

  /** By its id, revoked or not. */
  find(id: string): EnrolledIssuer | undefined;

  /** The raw key with that RFC 9679 thumbprint, revoked or not. */
  findKey(thumbprint: Uint8Array): Extract<EnrolledIssuer, { kind: "key" }> | undefined;

  /**
   * Enrols a raw key; `issuer` is its thumbprint URI when left out. The same key with the same issuer again is no error.
   * @throws CONFLICT_EXISTS when it is enrolled for another issuer, or was revoked
   */
  addKey(key: PublicKey, issuer?: string): Promise<EnrolledIssuer>;

  /** Enrols the certificates under an X.509 root (DER). @throws MALFORMED_CERTIFICATE, CONFLICT_EXISTS as `addKey` */
  addRoot(certificate: Uint8Array, issuer?: string): Promise<EnrolledIssuer>;

  /** From now on the issuer can register nothing. @throws NOT_FOUND when there is none or it is revoked already */
  revoke(id: string, reason: string): Promise<EnrolledIssuer>;

  /** Keeps the chain for proof files. */
  putChain(x5t: Uint8Array, chain: readonly Uint8Array[]): Promise<void>;
  readChain(x5t: Uint8Array): Promise<Uint8Array[] | undefined>;
}

/** @param now whole seconds of Unix time */
export async function createIssuers(store: IssuerStore, now: () => number): Promise<Issuers> {
  const byId = new Map<string, EnrolledIssuer>();

  async function load(): Promise<void> {
    for (const issuer of await store.list()) byId.set(issuer.id, enrolled(issuer));
  }

  async function add(issuer: Issuer): Promise<EnrolledIssuer> {
    const value = enrolled(issuer); // refuses what admission could not use, before it is stored
    if (!byId.has(issuer.id)) {
      try {
        await store.add(issuer);
        byId.set(issuer.id, value);
        return value;
      } catch (error) {
        await load(); // another process may have enrolled it
        if (!byId.has(issuer.id)) throw error;
      }
    }
    return sameOrRefuse(byId.get(issuer.id) as EnrolledIssuer, issuer);
  }

  await load();
  store.watch?.(load);

  return {
    list: () => [...byId.values()],
    find: (id) => byId.get(id),

    findKey(thumbprint: Uint8Array): Extract<EnrolledIssuer, { kind: "key" }> | undefined {
      const found = byId.get(encodeBase64Url(thumbprint));
      return found?.kind === "key" ? found : undefined;
    },

    addKey(key: PublicKey, issuer?: string): Promise<EnrolledIssuer> {
      const thumbprint = keyThumbprint(key);
      return add({
        id: encodeBase64Url(thumbprint),
        kind: "key",
        issuer: issuer ?? thumbprintUri(thumbprint),
        material: encodeCoseKey(key),
        addedAt: now(),
        revoked: undefined,
      });
    },

    async addRoot(certificate: Uint8Array, issuer?: string): Promise<EnrolledIssuer> {
      const { parseCertificate } = await import("@attestry/core/x509");
      parseCertificate(certificate);
      return add({
        id: encodeBase64Url(sha256(certificate)),
        kind: "root",
        issuer,
        material: certificate,
        addedAt: now(),
        revoked: undefined,
      });
    },

    async revoke(id: string, reason: string): Promise<EnrolledIssuer> {
      const revoked = { at: now(), reason };
      await store.revoke(id, revoked);
      if (!byId.has(id)) await load();
      const known = byId.get(id);
      if (known === undefined) throw new AttestryError("NOT_FOUND");
      const value: EnrolledIssuer = { ...known, revoked };
      byId.set(id, value);
      return value;
    },

    putChain: (x5t, chain) => store.putChain(x5t, chain),
    readChain: (x5t) => store.readChain(x5t),
  };
}

/** The issuer that is there, when it was enrolled for the same name and is not revoked. @throws CONFLICT_EXISTS */
function sameOrRefuse(known: EnrolledIssuer, wanted: Issuer): EnrolledIssuer {
  if (known.issuer === wanted.issuer && known.revoked === undefined) return known;
  const why = known.revoked ? "was revoked; use a new one" : `is enrolled for ${known.issuer ?? "every issuer"}`;
  throw new AttestryError("CONFLICT_EXISTS", `This ${known.kind === "key" ? "key" : "certificate"} ${why}.`);
}

function enrolled(issuer: Issuer): EnrolledIssuer {
  if (issuer.kind === "root") return { ...issuer, kind: "root" };
  const key = parseCoseKey(issuer.material);
  return { ...issuer, kind: "key", issuer: issuer.issuer ?? thumbprintUri(keyThumbprint(key)), key };
}
