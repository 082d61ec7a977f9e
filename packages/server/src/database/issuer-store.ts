/** The `IssuerStore` driver for databases: whoever is enrolled or revoked at one process is so at all of them. */
import { AttestryError, decodeCbor, encodeCbor } from "@attestry/core";
import { type Issuer, type IssuerStore, notEnrolled, type Revocation } from "../issuers/store.ts";
import { toBytes } from "../log/rows.ts";
import type { Database, Row } from "./database.ts";
import { poll } from "./poll.ts";

/** What the store asks of a kind of database. */
export interface IssuerSql {
  /** Sees that the tables are there, or makes them. @throws FATAL_VERSION, USAGE */
  openTables(database: Database): Promise<void>;
  /** Id, kind, issuer, material, added at, revoked at, reason; in the order of enrolment. */
  readonly list: string;
  /** Id, kind, issuer, material, added at. */
  readonly add: string;
  /** Whether an error says that a row is there already. */
  isDuplicate(error: unknown): boolean;
  /** Time, reason, id → a row when there is one with that id that was not revoked. */
  readonly revoke: string;
  /** x5t, certificates; nothing happens when it is there. */
  readonly putChain: string;
  readonly readChain: string;
  /** Something that differs after each change. */
  readonly readState: string;
}

/** Milliseconds until a process knows what another has enrolled or revoked. */
const interval = 300;

/** A store on a database, which it closes. @throws FATAL_VERSION, USAGE, UNAVAILABLE_STORAGE */
export async function openSharedIssuers(database: Database, sql: IssuerSql): Promise<IssuerStore> {
  await sql.openTables(database);
  const stops: (() => void)[] = [];
  return {
    list: async () => (await database.read(sql.list)).map(toIssuer),

    async add({ id, kind, issuer, material, addedAt }: Issuer): Promise<void> {
      try {
        await database.query(sql.add, [id, kind, issuer ?? null, material, addedAt]);
      } catch (cause) {
        if (!sql.isDuplicate(cause)) throw cause;
        throw new AttestryError("CONFLICT_EXISTS", "The issuer is enrolled already.", { cause });
      }
    },

    async revoke(id: string, { at, reason }: Revocation): Promise<void> {
      const revoked = await database.query(sql.revoke, [at, reason, id]);
      if (revoked.length === 0) throw notEnrolled();
    },

    async putChain(x5t: Uint8Array, chain: readonly Uint8Array[]): Promise<void> {
      await database.query(sql.putChain, [x5t, encodeCbor([...chain])]);
    },

    async readChain(x5t: Uint8Array): Promise<Uint8Array[] | undefined> {
      const [row] = await database.read(sql.readChain, [x5t]);
      if (row === undefined) return undefined;
      return decodeCbor(toBytes(row[0]), { code: "FATAL_CORRUPT" }) as Uint8Array[];
    },

    watch(onChange: () => Promise<void>): void {
      let known: string | undefined;
      const ask = async (): Promise<void> => {
        const [row] = await database.read(sql.readState);
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
