/**
 * The address of a database on SQL Server or Azure SQL, read strictly. Off this machine TLS with a verified certificate is not an
 * option but the rule. No error here repeats the address: it may hold a password.
 */
import { databaseName, decodePart, readCertificates, addressError as usage } from "../database/address.ts";
import { isLoopback } from "../http/listen.ts";

export interface SqlServerSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Undefined: whoever Entra ID says that this program is. */
  readonly login: { readonly user: string; readonly password: string } | undefined;
  /**
   * "strict" is TDS 8.0 (SQL Server 2022, Azure SQL): TLS from the first byte. "mandatory" agrees on TLS first (TDS 7.4). Both verify
   * the certificate. False: in the clear, on this machine alone.
   */
  readonly tls: { readonly mode: "mandatory" | "strict"; readonly ca?: string } | false;
}

const modes: Readonly<Record<string, "mandatory" | "strict" | false>> = {
  true: "mandatory",
  mandatory: "mandatory",
  strict: "strict",
  false: false,
};

/** Whether the text is meant as the address of a database on SQL Server. */
export function isSqlServerUrl(text: string): boolean {
  return /^sqlserver:/i.test(text);
}

/**
 * `sqlserver://USER:PASSWORD@HOST:PORT/DATABASE?encrypt=strict&sslrootcert=FILE`. Without a user: Entra ID. A password that the
 * address leaves out is in SQLCMDPASSWORD.
 * @throws USAGE, which says what to give instead; USAGE_FILE when the authority's file cannot be read
 */
export function parseSqlServerUrl(text: string): SqlServerSettings {
  const url = isSqlServerUrl(text) ? URL.parse(text) : null;
  if (url === null || url.hostname === "") {
    throw usage("A database's address is like sqlserver://USER@HOST/DATABASE.");
  }
  const host = decodePart(url.hostname).replace(/^\[|\]$/g, "");
  const database = databaseName(url);
  const tls = tlsFor(isLoopback(host), url.searchParams);
  const login = loginOf(url);
  if (tls === false && login === undefined) {
    throw usage("Entra ID needs an encrypted connection: give encrypt=mandatory, or a user of the server's own.");
  }
  return { host, port: Number(url.port || 1433), database, login, tls };
}

function loginOf({ username, password }: URL): SqlServerSettings["login"] {
  if (username === "") {
    if (password === "") return undefined;
    throw usage("The database's address has a password and no user.");
  }
  const given = password === "" ? process.env["SQLCMDPASSWORD"] : decodePart(password);
  if (given === undefined) throw usage("The database's user needs a password: in the address, or in SQLCMDPASSWORD.");
  return { user: decodePart(username), password: given };
}

function tlsFor(isLocal: boolean, options: URLSearchParams): SqlServerSettings["tls"] {
  if ([...options.keys()].some((name) => !["encrypt", "sslrootcert"].includes(name))) {
    throw usage("The database's address has an option that is not known; it takes encrypt and sslrootcert.");
  }
  const mode = modes[options.get("encrypt") ?? (isLocal ? "false" : "mandatory")];
  if (mode === undefined) throw usage("The database's encrypt is not known; use encrypt=strict or encrypt=mandatory.");
  if (mode === false && isLocal) return false;
  if (mode === false) {
    const why = "This database is on another machine: its connections must be encrypted and its certificate verified.";
    throw usage(`${why} Leave encrypt out, with sslrootcert=FILE for an authority of your own.`);
  }
  const path = options.get("sslrootcert");
  return path === null ? { mode } : { mode, ca: readCertificates(path) };
}
