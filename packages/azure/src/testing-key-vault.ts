/**
 * A small stand-in for the REST API of Azure Key Vault (api-version 7.x: Get Key, wrapKey, unwrapKey, and the challenge for a token),
 * as a transport of Microsoft's library. It shows that our side speaks to the library; it is no proof of the service.
 */
import {
  constants,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import type * as Pipeline from "@azure/core-rest-pipeline";
import type { HttpClient, PipelineRequest, PipelineResponse } from "@azure/core-rest-pipeline";
import type { TokenCredential } from "@azure/identity";
import { loadSdk } from "./sdk.ts";

export interface FakeVault {
  readonly transport: HttpClient;
  /** Makes a new version of the key, which is the newest. */
  rotate(): void;
  /** From now on requests end like this instead. */
  fail(how: "line" | 403 | 429 | undefined): void;
  readonly requests: readonly { readonly url: string; readonly authorization: string | undefined }[];
}

const token = "a token that must not be told";
export const fakeCredential: TokenCredential = {
  getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }),
};

/** A vault with one RSA key of that name. `resource` is what its tokens are for: another in Azure Government. */
export function createFakeVault(name: string, resource: string): FakeVault {
  const { createHttpHeaders } = loadSdk<typeof Pipeline>("@azure/core-rest-pipeline", "@azure/keyvault-keys");
  const versions = new Map<string, KeyObject>();
  const requests: { url: string; authorization: string | undefined }[] = [];
  let failure: "line" | 403 | 429 | undefined;

  const rotate = () => {
    versions.set(randomBytes(16).toString("hex"), generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey);
  };
  rotate();

  function answer(request: PipelineRequest): [status: number, body: object, headers?: Record<string, string>] {
    const url = new URL(request.url);
    if (request.headers.get("authorization") !== `Bearer ${token}`) {
      const challenge = `Bearer authorization="https://login.microsoftonline.us/tenant", resource="${resource}"`;
      return [401, {}, { "www-authenticate": challenge }];
    }
    if (typeof failure === "number") return [failure, { error: { code: failure === 403 ? "Forbidden" : "Throttled" } }];
    const [, keys, keyName, version = "", operation] = url.pathname.split("/");
    const newest = [...versions.keys()].at(-1) ?? "";
    const key = versions.get(version === "" ? newest : version);
    if (keys !== "keys" || keyName !== name || key === undefined) return [404, { error: { code: "KeyNotFound" } }];
    const kid = `${url.origin}/keys/${name}/${version === "" ? newest : version}`;
    if (operation === undefined || operation === "") {
      const { n, e } = key.export({ format: "jwk" });
      return [
        200,
        { key: { kid, kty: "RSA", key_ops: ["wrapKey", "unwrapKey"], n, e }, attributes: { enabled: true } },
      ];
    }
    const { alg, value } = JSON.parse(String(request.body));
    const options = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
    if (alg !== "RSA-OAEP-256") return [400, { error: { code: "BadParameter" } }];
    try {
      const bytes = Buffer.from(value, "base64url");
      const result = operation === "wrapkey" ? publicEncrypt(options, bytes) : privateDecrypt(options, bytes);
      return [200, { kid, value: result.toString("base64url") }];
    } catch {
      return [400, { error: { code: "BadParameter" } }];
    }
  }

  return {
    rotate,
    requests,
    fail: (how) => {
      failure = how;
    },
    transport: {
      async sendRequest(request): Promise<PipelineResponse> {
        requests.push({ url: request.url, authorization: request.headers.get("authorization") });
        if (failure === "line") throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
        const [status, body, headers = {}] = answer(request);
        const all = { "content-type": "application/json", ...headers };
        return { request, status, headers: createHttpHeaders(all), bodyAsText: JSON.stringify(body) };
      },
    },
  };
}
