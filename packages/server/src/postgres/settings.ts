/**
 * The address of a PostgreSQL database (a connection URI: PostgreSQL 18, §32.1.1.2), read strictly. Off this machine TLS with a
 * verified certificate is not an option but the rule. No error here repeats the address: it may hold a password.
 */
import { databaseName, decodePart, readCertificates, addressError as usage } from "../database/address.ts";
import { isLoopback } from "../http/listen.ts";

export interface DatabaseSettings {
  /** A host, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  /** Undefined: the driver looks at PGPASSWORD. */
  readonly password: string | undefined;
  readonly database: string;
  /** False: in the clear, on this machine alone. */
  readonly tls: { readonly ca?: string } | false;
}

const verified = ["require", "verify-ca", "verify-full"];
const unverified = ["disable", "allow", "prefer", "no-verify"];

/** Whether the text is meant as a database's address. */
export function isDatabaseUrl(text: string): boolean {
  return /^postgres(ql)?:/i.test(text);
}

/**
 * `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full&sslrootcert=FILE`. The certificate's chain and name are
 * checked whenever TLS is used, whatever the mode's name.
 * @throws USAGE, which says what to give instead; USAGE_FILE when the authority's file cannot be read
 */
export function parseDatabaseUrl(text: string): DatabaseSettings {
  const url = isDatabaseUrl(text) ? URL.parse(text) : null;
  if (url === null) throw usage("A database's address is like postgres://USER@HOST/DATABASE.");
  const options = optionsOf(url);
  const host = options.host ?? (decodePart(url.hostname).replace(/^\[|\]$/g, "") || "localhost");
  const database = databaseName(url);
  return {
    host,
    port: Number(url.port || 5432),
    user: url.username === "" ? undefined : decodePart(url.username),
    password: url.password === "" ? undefined : decodePart(url.password),
    database,
    tls: tlsFor(isLoopback(host) || host.startsWith("/"), options),
  };
}

interface Options {
  readonly host: string | undefined;
  readonly sslmode: string | undefined;
  readonly sslrootcert: string | undefined;
}

function optionsOf({ searchParams }: URL): Options {
  const unknown = [...searchParams.keys()].find((name) => !["host", "sslmode", "sslrootcert"].includes(name));
  if (unknown !== undefined) {
    throw usage("The database's address has an option that is not known; it takes host, sslmode and sslrootcert.");
  }
  const option = (name: string): string | undefined => searchParams.get(name) ?? undefined;
  return { host: option("host"), sslmode: option("sslmode"), sslrootcert: option("sslrootcert") };
}

function tlsFor(isLocal: boolean, { sslmode, sslrootcert }: Options): DatabaseSettings["tls"] {
  if (sslmode !== undefined && ![...verified, ...unverified].includes(sslmode)) {
    throw usage("The database's sslmode is not known; use sslmode=verify-full.");
  }
  if (!isLocal && unverified.includes(sslmode ?? "verify-full")) {
    const why = "This database is on another machine: its connections must be encrypted and its certificate verified.";
    throw usage(
      `${why} Leave sslmode out, or use sslmode=verify-full with sslrootcert=FILE for an authority of your own.`,
    );
  }
  const isPlain = isLocal && !verified.includes(sslmode ?? "disable");
  if (isPlain) return false;
  return sslrootcert === undefined ? {} : { ca: readCertificates(sslrootcert) };
}
