/**
 * The driver for SQL Server and Azure SQL (`tedious` 20, TDS 7.4 and 8.0): sessions for the stores of `@attestry/server`, which own
 * all the SQL. What its errors say is safe to tell: no password and no token is in them.
 */
import type { Answer, ConnectOptions, List, SqlServerConnection, SqlValue } from "@attestry/server/sqlserver";
import type * as Tedious from "tedious";
import { entraCredential } from "./account.ts";
import { loadSdk } from "./sdk.ts";

/** Logs in. @throws USAGE when `tedious` is not installed; otherwise an error with `number` or `code` */
export async function connectSqlServer(options: ConnectOptions): Promise<SqlServerConnection> {
  const tedious = loadSdk<typeof Tedious>("tedious");
  const connection = new tedious.Connection(configure(options));
  const state = { isOpen: true };
  // Without a listener an error on an idle connection would end the process.
  connection.on("error", () => connection.close());
  connection.on("end", () => {
    state.isOpen = false;
  });
  let refusal: number | undefined;
  connection.on("errorMessage", ({ number }) => {
    refusal ??= number; // the first says why; the error of a login has no number of its own
  });
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error === undefined ? resolve() : reject(error)));
  }).catch((error) => {
    connection.close();
    throw refusal === undefined ? error : Object.assign(error, { number: refusal });
  });
  return createSession(tedious, connection, state);
}

function configure(options: ConnectOptions): Tedious.ConnectionConfiguration {
  const { host, port, database, login, tls, timeouts } = options;
  return {
    server: host,
    authentication:
      login === undefined
        ? { type: "token-credential", options: { credential: ownCredential() } }
        : { type: "default", options: { userName: login.user, password: login.password } },
    options: {
      port,
      database,
      appName: "attestry",
      encrypt: tls === false ? false : tls.mode === "strict" ? "strict" : true,
      trustServerCertificate: false,
      ...(tls === false || tls.ca === undefined ? {} : { cryptoCredentialsDetails: { ca: tls.ca } }),
      connectTimeout: timeouts.connect,
      requestTimeout: timeouts.request,
      maxRetriesOnTransientErrors: 0, // whoever asks decides how long to go on
    },
  };
}

let credential: ReturnType<typeof entraCredential> | undefined;

/** One for all connections: it keeps its tokens. */
function ownCredential(): ReturnType<typeof entraCredential> {
  credential ??= entraCredential();
  return credential;
}

function createSession(
  tedious: typeof Tedious,
  connection: Tedious.Connection,
  state: { isOpen: boolean },
): SqlServerConnection {
  const perform = (start: (request: Tedious.Request) => void, text: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const rows: unknown[][] = [];
      let columns: string[] = [];
      const request = new tedious.Request(text, (error, affected) =>
        error ? reject(error) : resolve({ rows, columns, affected: affected ?? 0 }),
      );
      request.on("columnMetadata", (found) => {
        columns = [...(found as Iterable<{ colName: string }>)].map(({ colName }) => colName);
      });
      request.on("row", (row: readonly Cell[]) => void rows.push(row.map(toValue)));
      start(request);
    });
  return {
    get isOpen(): boolean {
      return state.isOpen;
    },
    run: (text, values) =>
      perform((request) => {
        for (const [at, value] of values.entries()) addParameter(tedious, request, String(at + 1), value);
        connection.execSql(request);
      }, text),
    batch: (text) => perform((request) => connection.execSqlBatch(request), text),
    close(): void {
      state.isOpen = false;
      connection.close();
    },
  };
}

/** Lengths are fixed, so that the server has one plan for a statement and not one for each length of its values. */
function addParameter(tedious: typeof Tedious, request: Tedious.Request, name: string, value: SqlValue): void {
  const { TYPES } = tedious;
  if (typeof value === "number") {
    request.addParameter(name, TYPES.BigInt, value);
  } else if (value === null || typeof value === "string") {
    const length = value === null || value.length <= 4000 ? 4000 : Number.POSITIVE_INFINITY;
    request.addParameter(name, TYPES.NVarChar, value, { length });
  } else if (value instanceof Uint8Array) {
    const length = value.length <= 8000 ? 8000 : Number.POSITIVE_INFINITY;
    request.addParameter(name, TYPES.VarBinary, toBuffer(value), { length });
  } else {
    request.addParameter(name, TYPES.TVP, toTable(tedious, value));
  }
}

function toTable({ TYPES }: typeof Tedious, { list }: List): object {
  return {
    schema: "attestry",
    name: "list",
    columns: [
      { name: "a", type: TYPES.BigInt },
      { name: "b", type: TYPES.BigInt },
      { name: "bytes", type: TYPES.VarBinary, length: Number.POSITIVE_INFINITY },
    ],
    rows: list.map(([a, b, bytes]) => [a, b, toBuffer(bytes)]),
  };
}

function toBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

interface Cell {
  readonly value: unknown;
  readonly metadata: { readonly type: { readonly name: string } };
}

/** A bigint comes as text. One that is no safe integer stays text, which no reader of ours takes for a number. */
function toValue({ value, metadata }: Cell): unknown {
  if (Buffer.isBuffer(value)) return new Uint8Array(value.buffer, value.byteOffset, value.length);
  if (typeof value !== "string" || !/^(BigInt|IntN)$/.test(metadata.type.name)) return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
