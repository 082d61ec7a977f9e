/** One JSON-RPC 2.0 exchange with an Ethereum node (https://ethereum.github.io/execution-apis/), and its errors as ours. */
import { AttestryError } from "@attestry/core";

/** What a node answered instead of a result. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  /** What a contract reverted with: 0x-prefixed hexadecimal. */
  readonly revert?: string;
}

export type RpcAnswer = { readonly result: unknown } | { readonly error: RpcError };

export interface Rpc {
  /** The node's address without user name, password, path and query: those often hold a secret. */
  readonly node: string;
  /** @throws UNAVAILABLE_LEDGER when there is no answer */
  ask(method: string, parameters: readonly unknown[]): Promise<RpcAnswer>;
  /** @throws UNAVAILABLE_LEDGER when there is no answer, or the answer is an error */
  call(method: string, parameters: readonly unknown[]): Promise<unknown>;
}

/**
 * @param url http or https; user name and password in it are sent as Basic authentication
 * @param timeout milliseconds until an exchange is given up
 * @throws USAGE when it is not such an address
 */
export function openRpc(url: string, timeout = 10_000): Rpc {
  const { address, node, headers } = parseUrl(url);
  const ask = async (method: string, params: readonly unknown[]): Promise<RpcAnswer> => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    try {
      const signal = AbortSignal.timeout(timeout);
      const response = await fetch(address, { method: "POST", headers, body, signal, redirect: "error" });
      return parseAnswer(await response.text(), response.status);
    } catch (cause) {
      throw unreachable(node, cause);
    }
  };
  const call = async (method: string, parameters: readonly unknown[]): Promise<unknown> => {
    const answer = await ask(method, parameters);
    if ("result" in answer) return answer.result;
    throw new AttestryError(
      "UNAVAILABLE_LEDGER",
      `The node at ${node} cannot answer ${method}: ${answer.error.message}`,
      {
        data: { node, rpc: answer.error.code },
      },
    );
  };
  return { node, ask, call };
}

function parseUrl(text: string): { address: string; node: string; headers: Record<string, string> } {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new AttestryError("USAGE", "A node's address begins with http:// or https://.");
  }
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (url.username !== "" || url.password !== "") {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers["authorization"] = `Basic ${Buffer.from(credentials).toString("base64")}`;
    url.username = "";
    url.password = "";
  }
  return { address: url.href, node: url.origin, headers };
}

function parseAnswer(text: string, status: number): RpcAnswer {
  const answer: unknown = text.startsWith("{") ? JSON.parse(text) : undefined;
  if (typeof answer === "object" && answer !== null) {
    if ("error" in answer && typeof answer.error === "object" && answer.error !== null) {
      return { error: parseError(answer.error) };
    }
    if ("result" in answer) return { result: answer.result };
  }
  throw new Error(`status ${status}, and no JSON-RPC answer`);
}

function parseError(error: object): RpcError {
  const code = "code" in error && typeof error.code === "number" ? error.code : 0;
  const message = "message" in error && typeof error.message === "string" ? error.message : "no reason given";
  const revert = "data" in error ? findHex(error.data) : undefined;
  return { code, message: message.replace(/[^\x20-\x7e]+/g, " ").slice(0, 200), ...(revert ? { revert } : {}) };
}

// geth, Besu and anvil give the revert data as text; others put it into an object.
function findHex(data: unknown): string | undefined {
  if (typeof data === "string") return /^0x[0-9a-f]+$/i.test(data) ? data : undefined;
  return typeof data === "object" && data !== null && "data" in data ? findHex(data.data) : undefined;
}

// The cause's own message can name the whole address: only its kind is passed on.
function unreachable(node: string, cause: unknown): AttestryError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const code = inner instanceof Error && "code" in inner ? String(inner.code) : undefined;
  const timedOut = cause instanceof Error && cause.name === "TimeoutError";
  const reason = timedOut ? "no answer in time" : (code ?? "no JSON-RPC answer");
  const message = `The node at ${node} cannot be reached (${reason}).`;
  return new AttestryError("UNAVAILABLE_LEDGER", message, { data: { node } });
}

/** A QUANTITY of the JSON-RPC encoding as a bigint. @throws UNAVAILABLE_LEDGER when it is none */
export function parseQuantity(value: unknown, what: string): bigint {
  if (typeof value === "string" && /^0x[0-9a-f]{1,64}$/i.test(value)) return BigInt(value);
  throw new AttestryError("UNAVAILABLE_LEDGER", `The node's answer is not as it should be: ${what}.`);
}

/** DATA of the JSON-RPC encoding as bytes. @throws UNAVAILABLE_LEDGER when it is none */
export function parseData(value: unknown, what: string): Uint8Array {
  if (typeof value === "string" && /^0x(?:[0-9a-f]{2})*$/i.test(value)) return Uint8Array.fromHex(value.slice(2));
  throw new AttestryError("UNAVAILABLE_LEDGER", `The node's answer is not as it should be: ${what}.`);
}

/** @throws UNAVAILABLE_LEDGER when it is not an object */
export function asRecord(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new AttestryError("UNAVAILABLE_LEDGER", `The node's answer is not as it should be: ${what}.`);
}

export function toQuantity(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
