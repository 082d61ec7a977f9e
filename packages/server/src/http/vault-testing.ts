/** What the tests of the vault's HTTP interface share: tokens of each role, uploads by hand, content that is stored. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import { encodeHex, sha256 } from "@attestry/core";
import type { Role } from "../access/roles.ts";
import type { ServerOptions } from "../server.ts";
import { postJson, startTestServer, type TestServer } from "../testing.ts";

export interface VaultServer extends TestServer {
  /** Asks as the bearer of that token; the data folder's own when left out. */
  ask(method: string, path: string, init?: AskOptions): Promise<Response>;
  /** A new token with these roles. */
  tokenFor(name: string, ...roles: Role[]): Promise<string>;
  /** Begins an upload; gives its path. */
  begin(headers: Readonly<Record<string, string>>, token?: string): Promise<string>;
  /** Adds to an upload. */
  patch(path: string, offset: number, content: Uint8Array, init?: AskOptions): Promise<Response>;
  /** The issuer's signed statement about content. */
  statementOf(content: Uint8Array, subject?: string): Promise<Uint8Array>;
  /** Commits a complete upload. */
  commit(path: string, statement: Uint8Array, token?: string): Promise<Response>;
  /** Stores content; gives the object. */
  store(content: Uint8Array, about?: { subject?: string; recordClass?: string; type?: string }): Promise<ObjectJson>;
}

export interface AskOptions {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | ReadableStream | string | object;
}

export interface ObjectJson {
  readonly id: string;
  readonly hash: string;
  readonly state: string;
  readonly size: number;
  readonly entryIndex: number;
  readonly holds: readonly string[];
  readonly recordClass: string;
}

export const tus = { "tus-resumable": "1.0.0" };
export const offsetType = "application/offset+octet-stream";

export async function startVaultServer(t: TestContext, options: Partial<ServerOptions> = {}): Promise<VaultServer> {
  const server = await startTestServer(t, options);
  const ask: VaultServer["ask"] = (method, path, { token = server.token, headers = {}, body } = {}) => {
    const isJson = typeof body === "object" && !(body instanceof Uint8Array) && !(body instanceof ReadableStream);
    return server.fetch(path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(isJson && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: (isJson ? JSON.stringify(body) : body) as BodyInit, duplex: "half" }),
    });
  };
  const statementOf: VaultServer["statementOf"] = (content, subject = "record 17") =>
    server.issuer.statement({ digest: sha256(content), subject });
  const begin: VaultServer["begin"] = async (headers, token = server.token) => {
    const response = await ask("POST", "/v1/uploads", { token, headers: { ...tus, ...headers } });
    assert.equal(response.status, 201, await response.clone().text());
    return response.headers.get("location") ?? "";
  };
  const patch: VaultServer["patch"] = (path, offset, content, { headers, ...init } = {}) =>
    ask("PATCH", path, {
      ...init,
      headers: { ...tus, "content-type": offsetType, "upload-offset": String(offset), ...headers },
      body: content,
    });
  const commit: VaultServer["commit"] = (path, statement, token = server.token) =>
    ask("POST", `${path}/commit?purpose=filing`, {
      token,
      headers: { "content-type": "application/cose" },
      body: statement,
    });
  return {
    ...server,
    ask,
    statementOf,
    begin,
    patch,
    commit,
    async tokenFor(name, ...roles): Promise<string> {
      const response = await server.fetch("/v1/tokens", postJson({ name, roles }, server.token));
      assert.equal(response.status, 200, await response.clone().text());
      return ((await response.json()) as { token: string }).token;
    },
    async store(content, { subject, recordClass, type } = {}): Promise<ObjectJson> {
      const metadata = Object.entries({ recordClass, contentType: type })
        .flatMap(([key, value]) => (value === undefined ? [] : [`${key} ${Buffer.from(value).toString("base64")}`]))
        .join(",");
      const path = await begin({
        "upload-length": String(content.length),
        ...(metadata && { "upload-metadata": metadata }),
      });
      const patched = await patch(path, 0, content);
      assert.equal(patched.status, 204, await patched.text());
      assert.equal(patched.headers.get("attestry-content-hash"), encodeHex(sha256(content)));
      const committed = await commit(path, await statementOf(content, subject));
      assert.equal(committed.status, 200, await committed.clone().text());
      return (await committed.json()) as ObjectJson;
    },
  };
}

export function randomContent(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}

export async function codeOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { code?: unknown }).code;
}
