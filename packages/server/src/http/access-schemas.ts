/** What the JSON of tokens, actions and sessions looks like. */
import { tokenId } from "@attestry/core/client";
import { type TSchema, Type } from "typebox";
import { type Permission, permissions, type Role, roles } from "../access/roles.ts";

const strict = { additionalProperties: false } as const;
const time = Type.String({ maxLength: 40, description: "ISO 8601, e.g. 2026-11-22T10:00:00Z" });
const uint = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const role = Type.Union(roles.map((name) => Type.Literal(name)));
const permission = Type.Union(permissions.map((name) => Type.Literal(name)));

export interface TokenBody {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly expiresAt?: string;
  readonly certificate?: string;
}
export const tokenBody: TSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 64 }),
    roles: Type.Array(role, { minItems: 1, maxItems: roles.length }),
    expiresAt: Type.Optional(time),
    certificate: Type.Optional(
      Type.String({
        maxLength: 512,
        description: "Enrols a client certificate by its subject or DNS:, URI:, email: name",
      }),
    ),
  },
  strict,
);

export interface TokenParams {
  readonly id: string;
}
export const tokenParams: TSchema = Type.Object({ id: Type.String({ ...tokenId }) }, strict);

export interface TokenJson {
  readonly id: string;
  readonly kind: "token" | "certificate";
  readonly name: string;
  readonly roles: readonly Role[];
  readonly certificate?: string;
  readonly addedAt: string;
  readonly expiresAt?: string;
  readonly lastUsedAt?: string;
  readonly revokedAt?: string;
}
const tokenMembers = {
  id: Type.String(),
  kind: Type.Union([Type.Literal("token"), Type.Literal("certificate")]),
  name: Type.String(),
  roles: Type.Array(role),
  certificate: Type.Optional(Type.String()),
  addedAt: time,
  expiresAt: Type.Optional(time),
  lastUsedAt: Type.Optional(time),
  revokedAt: Type.Optional(time),
};
export const tokenSchema: TSchema = Type.Object(tokenMembers);
export const newTokenSchema: TSchema = Type.Object({
  ...tokenMembers,
  token: Type.Optional(Type.String({ description: "The secret; shown this once" })),
});
export const tokenList: TSchema = Type.Object({ tokens: Type.Array(tokenSchema) });

export interface ActionQuery {
  readonly limit: number;
  readonly before?: number;
}
export const actionQuery: TSchema = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
    before: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
  },
  strict,
);

export interface ActionJson {
  readonly sequence: number;
  readonly entryIndex: number;
  readonly action: string;
  readonly who: string;
  readonly time: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly event: string;
}
export const actionList: TSchema = Type.Object({
  actions: Type.Array(
    Type.Object({
      sequence: uint,
      entryIndex: Type.Integer({ minimum: 0, description: "The log's entry that holds the hash of `event`" }),
      action: Type.String(),
      who: Type.String(),
      time,
      facts: Type.Record(Type.String(), Type.Unknown()),
      event: Type.String({ description: "Deterministic CBOR, base64url" }),
    }),
  ),
});

export interface SessionParams {
  readonly id: string;
}
export const sessionParams: TSchema = Type.Object(
  { id: Type.String({ pattern: "^[0-9a-f]{64}$", description: "A session's id, as the list of sessions shows it" }) },
  strict,
);

export interface OpenSessionJson {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly provider?: string;
  readonly isOwn?: boolean;
  readonly startedAt: string;
  readonly seenAt: string;
}
export const sessionList: TSchema = Type.Object({
  sessions: Type.Array(
    Type.Object({
      id: Type.String({ description: "Names the session; opens nothing" }),
      name: Type.String(),
      roles: Type.Array(role),
      provider: Type.Optional(Type.String()),
      isOwn: Type.Optional(Type.Boolean({ description: "True of the session that asks" })),
      startedAt: time,
      seenAt: time,
    }),
  ),
});

export interface LinkJson {
  readonly path: string;
}
export const linkSchema: TSchema = Type.Object({
  path: Type.String({ description: "Opens the portal as the local administrator; once, for ten minutes" }),
});

export interface SessionJson {
  readonly signedIn: boolean;
  readonly name?: string;
  readonly roles: readonly Role[];
  readonly permissions: readonly Permission[];
  readonly csrf?: string;
  readonly endsAt?: string;
  readonly providers: readonly { readonly id: string; readonly label: string; readonly path: string }[];
}
export const sessionSchema: TSchema = Type.Object({
  signedIn: Type.Boolean(),
  name: Type.Optional(Type.String()),
  roles: Type.Array(role),
  permissions: Type.Array(permission),
  csrf: Type.Optional(Type.String({ description: "Goes into the header x-attestry-csrf of every change" })),
  endsAt: Type.Optional(time),
  providers: Type.Array(
    Type.Object({
      id: Type.String(),
      label: Type.String(),
      path: Type.String({ description: "Where the browser goes to sign in; ?to=/PAGE says where it comes back to" }),
    }),
  ),
});
