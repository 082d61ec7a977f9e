/** The `IssuerStore` driver for PostgreSQL: whoever is enrolled or revoked at one process is so at all of them. */
import { AttestryError, decodeCbor, encodeCbor } from "@attestry/core";
import type { Issuer, IssuerStore, Revocation } from "../issuers/store.ts";
import { toBytes } from "../log/rows.ts";
import { type Database, isDuplicate, type Row } from "./database.ts";
import { poll } from "./poll.ts";
import { openPart, type SchemaPart } from "./schema.ts";

const issuersPart: SchemaPart = {
  name: "issuers",
  version: 1,
  statements: [
    `CREATE TABLE issuer (
      place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      id text NOT NULL UNIQUE,
      kind text NOT NULL CHECK (kind IN ('key', 'root')),
      issuer text,
      material bytea NOT NULL,
      added_at bigint NOT NULL,
      revoked_at bigint,
      reason text,
      CHECK ((revoked_at IS NULL) = (reason IS NULL))
    )`,
    "CREATE TABLE chain (x5t bytea PRIMARY KEY, certificates bytea NOT NULL)",
  ],
};

/** Milliseconds until a process knows what another has enrolled or revoked. */
const interval = 300;

/** Takes a hand of its own on the database. @throws FATAL_VERSION, USAGE, UNAVAILABLE_STORAGE */
export async function openPostgresIssuerStore(shared: Database): Promise<IssuerStore> {
  const database = shared.share();
  try {
    await openPart(database, issuersPart);
  } catch (error) {
    await database.close();
    throw error;
  }
  const columns = "id, kind, issuer, material, added_at, revoked_at, reason";
  const stops: (() => void)[] = [];
  return {
    list: async () => (await database.read(`SELECT ${columns} FROM issuer ORDER BY place`)).map(toIssuer),

    async add({ id, kind, issuer, material, addedAt }: Issuer): Promise<void> {
      const add = "INSERT INTO issuer (id, kind, issuer, material, added_at) VALUES ($1, $2, $3, $4, $5)";
      try {
        await database.query(add, [id, kind, issuer, material, addedAt]);
      } catch (cause) {
        if (!isDuplicate(cause)) throw cause;
        throw new AttestryError("CONFLICT_EXISTS", "The issuer is enrolled already.", { cause });
      }
    },

    async revoke(id: string, { at, reason }: Revocation): Promise<void> {
      const revoke = "UPDATE issuer SET revoked_at = $1, reason = $2 WHERE id = $3 AND revoked_at IS NULL RETURNING 1";
      if ((await database.query(revoke, [at, reason, id])).length === 0) throw new AttestryError("NOT_FOUND");
    },

    async putChain(x5t: Uint8Array, chain: readonly Uint8Array[]): Promise<void> {
      await database.query("INSERT INTO chain VALUES ($1, $2) ON CONFLICT DO NOTHING", [x5t, encodeCbor([...chain])]);
    },

    async readChain(x5t: Uint8Array): Promise<Uint8Array[] | undefined> {
      const [row] = await database.read("SELECT certificates FROM chain WHERE x5t = $1", [x5t]);
      if (row === undefined) return undefined;
      return decodeCbor(toBytes(row[0]), { code: "FATAL_CORRUPT" }) as Uint8Array[];
    },

    watch(onChange: () => Promise<void>): void {
      let known: string | undefined;
      const ask = async (): Promise<void> => {
        const [row] = await database.read("SELECT count(*), max(place), count(revoked_at) FROM issuer");
        const found = String(row);
        if (found !== known) await onChange();
        known = found;
      };
      stops.push(poll(interval, ask));
    },

    async close(): Promise<void> {
      for (const stop of stops) stop();
      await database.close();
    },
  };
}

function toIssuer([id, kind, issuer, material, addedAt, revokedAt, reason]: Row): Issuer {
  return {
    id: String(id),
    kind: kind === "root" ? "root" : "key",
    issuer: typeof issuer === "string" ? issuer : undefined,
    material: toBytes(material),
    addedAt: Number(addedAt),
    revoked: revokedAt === null ? undefined : { at: Number(revokedAt), reason: String(reason) },
  };
}
