/**
 * `DIR/portal.json`: the OpenID providers that people sign in with, and which of their claims gives which role (docs/sign-in.md).
 * Secrets are files of their own beside it.
 */
import { readFileSync } from "node:fs";
import { AttestryError } from "@attestry/core";
import { type TSchema, Type } from "typebox";
import { type Role, roles } from "./roles.ts";

export interface ProviderConfig {
  /** Names it in addresses and in principals' names. */
  readonly id: string;
  /** What the portal's button says. */
  readonly label: string;
  /** Issuer identifier, as in its ID tokens. */
  readonly issuer: string;
  readonly clientId: string;
  /** File with the client's secret; a path from the data folder. Left out with `clientKeyFile`: a public client. */
  readonly clientSecretFile?: string;
  /** PEM file of the key for `private_key_jwt` (RFC 7523), and the `kid` by which the provider knows it. */
  readonly clientKeyFile?: string;
  readonly clientKeyId?: string;
  /** Default `openid profile email`. */
  readonly scope?: string;
  /** More parameters of the authorization request, such as `acr_values`. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** The claim that names people; default `email`. Where it is missing, their `sub` does. */
  readonly nameClaim?: string;
  /** The claim whose values, one text or a list, are looked up in `roles`. */
  readonly roleClaim: string;
  readonly roles: Readonly<Record<string, readonly Role[]>>;
}

export interface SignInConfig {
  readonly providers: readonly ProviderConfig[];
}

const text = Type.String({ minLength: 1, maxLength: 500 });
const role = Type.Union(roles.map((name) => Type.Literal(name)));
const provider = Type.Object(
  {
    id: Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,31}$" }),
    label: Type.String({ minLength: 1, maxLength: 60 }),
    issuer: text,
    clientId: text,
    clientSecretFile: Type.Optional(text),
    clientKeyFile: Type.Optional(text),
    clientKeyId: Type.Optional(text),
    scope: Type.Optional(text),
    parameters: Type.Optional(Type.Record(Type.String(), text)),
    nameClaim: Type.Optional(text),
    roleClaim: text,
    roles: Type.Record(Type.String({ minLength: 1 }), Type.Array(role, { minItems: 1 })),
  },
  { additionalProperties: false },
);
const schema: TSchema = Type.Object(
  { providers: Type.Array(provider, { maxItems: 20 }) },
  { additionalProperties: false },
);

/** Ids that are addresses of our own. */
const reserved = new Set(["local", "logout"]);
/** Parameters that are the protocol's own: whoever could set them could weaken it. */
const fixedParameters =
  /^(client_id|response_type|response_mode|redirect_uri|scope|state|nonce|code_challenge.*|request.*)$/;

/** No providers where there is no such file. @throws USAGE, naming the place that is wrong */
export async function readSignInConfig(path: string): Promise<SignInConfig> {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return { providers: [] };
    throw new AttestryError("USAGE_FILE", `${path} cannot be read.`, { cause });
  }
  return parseSignInConfig(content, path);
}

/** @throws USAGE, naming the place that is wrong */
export async function parseSignInConfig(content: string, path: string): Promise<SignInConfig> {
  const wrong = (what: string): AttestryError => new AttestryError("USAGE", `${path}: ${what}`);
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    throw wrong("this is not JSON.");
  }
  const { Compile } = await import("typebox/compile"); // slow to load, and most notaries have no such file
  const [first] = Compile(schema).Errors(value);
  if (first !== undefined) throw wrong(`${first.instancePath || "the whole"} ${first.message}.`);
  const config = value as SignInConfig;
  const ids = new Set<string>();
  for (const one of config.providers) {
    if (reserved.has(one.id) || ids.has(one.id)) throw wrong(`the id "${one.id}" is taken.`);
    ids.add(one.id);
    if (!isTrustworthy(one.issuer)) throw wrong(`the issuer of "${one.id}" must be an https address.`);
    if (one.clientSecretFile !== undefined && one.clientKeyFile !== undefined) {
      throw wrong(`"${one.id}" has both a clientSecretFile and a clientKeyFile.`);
    }
    const fixed = Object.keys(one.parameters ?? {}).find((name) => fixedParameters.test(name));
    if (fixed !== undefined) throw wrong(`"${one.id}" cannot set the parameter ${fixed}.`);
  }
  return config;
}

/** TLS, but for a provider on this machine. */
function isTrustworthy(issuer: string): boolean {
  const url = URL.parse(issuer);
  if (url === null || url.username !== "" || url.search !== "" || url.hash !== "") return false;
  return url.protocol === "https:" || isLocal(url);
}

/** Whether it is spoken to without TLS. */
export function isLocal({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
