/** What the JSON of our own API looks like: checked on the way in, shown in the OpenAPI document. */
import { issuerId } from "@attestry/core/client";
import { type TSchema, Type } from "typebox";

const uint = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const hash = Type.String({ pattern: "^[0-9a-f]{64}$", description: "32 bytes, lower-case hexadecimal" });
const text = Type.String({ minLength: 1, maxLength: 512 });
const time = Type.String({ maxLength: 40, description: "ISO 8601, e.g. 2026-11-22T10:00:00Z" });
const strict = { additionalProperties: false } as const;

export const problemSchema: TSchema = Type.Object(
  {
    status: Type.Integer(),
    code: Type.String({ description: "Stable; the list is in docs/errors.md" }),
    title: Type.String(),
    detail: Type.String(),
    data: Type.Optional(
      Type.Object(
        {
          holds: Type.Optional(Type.Array(Type.String())),
          recordClass: Type.Optional(Type.String()),
          retainUntil: Type.Optional(time),
        },
        {
          description:
            "With POLICY_RETAINED: the orders that hold the record, or its class and until when that keeps it",
        },
      ),
    ),
  },
  { description: "RFC 9457 problem document" },
);

/** How every route of our own API may fail. */
export const failures: { readonly "4xx": TSchema; readonly "5xx": TSchema } = {
  "4xx": problemSchema,
  "5xx": problemSchema,
};

export interface IndexParams {
  readonly index: number;
}
export const indexParams: TSchema = Type.Object({ index: uint }, strict);

export interface CertificateQuery {
  readonly lang?: "en" | "es";
}
export const certificateQuery: TSchema = Type.Object(
  { lang: Type.Optional(Type.Union([Type.Literal("en"), Type.Literal("es")], { default: "en" })) },
  strict,
);

export const historyQuery: TSchema = Type.Object(
  {
    span: Type.Optional(
      Type.Union([Type.Literal("hour"), Type.Literal("day"), Type.Literal("month")], { default: "hour" }),
    ),
  },
  strict,
);
const perStep = Type.Array(Type.Union([Type.Number(), Type.Null()]));
export const historySchema: TSchema = Type.Object({
  span: Type.String(),
  step: Type.Integer({ description: "Seconds" }),
  from: time,
  sizes: Type.Array(uint, { description: "Tree size when each step begins, and now" }),
  latency: Type.Object({ count: Type.Array(uint), median: perStep, slow: perStep }, { description: "Milliseconds" }),
  anchors: Type.Array(Type.Object({ place: Type.String(), kind: Type.String(), delay: perStep }), {
    description: "Seconds from the registration of each step's last entry to the anchor that covers it",
  }),
});

export interface EntryQueryParams {
  readonly hash?: string;
  readonly issuer?: string;
  readonly subject?: string;
  readonly relatesTo?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
  readonly cursor?: string;
}
export const entryQuery: TSchema = Type.Object(
  {
    hash: Type.Optional(hash),
    issuer: Type.Optional(text),
    subject: Type.Optional(text),
    relatesTo: Type.Optional(hash),
    from: Type.Optional(time),
    to: Type.Optional(time),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
    cursor: Type.Optional(Type.String({ pattern: "^(0|[1-9][0-9]{0,14})$", description: "`next` of the page before" })),
  },
  strict,
);

export const entrySchema: TSchema = Type.Object({
  index: uint,
  leafHash: hash,
  hash,
  issuer: Type.String(),
  subject: Type.String(),
  issuedAt: time,
  registeredAt: time,
  contentType: Type.Optional(Type.String()),
  relation: Type.Optional(
    Type.Object({
      kind: Type.Union([Type.Literal("supersedes"), Type.Literal("revokes")]),
      target: hash,
      reason: Type.String(),
    }),
  ),
  after: Type.Optional(Type.Object({ origin: Type.String(), size: uint, rootHash: hash })),
});
export const entryPage: TSchema = Type.Object({ entries: Type.Array(entrySchema), next: Type.Optional(Type.String()) });

export type IssuerBody =
  | { readonly issuer?: string; readonly key: string }
  | { readonly issuer?: string; readonly certificateRoot: string };
export const issuerBody: TSchema = Type.Union(
  [
    Type.Object(
      { issuer: Type.Optional(text), key: Type.String({ maxLength: 1000, description: "COSE_Key, base64url" }) },
      strict,
    ),
    Type.Object(
      { issuer: Type.Optional(text), certificateRoot: Type.String({ maxLength: 32_768, description: "X.509, PEM" }) },
      strict,
    ),
  ],
  { description: "Either `key` or `certificateRoot`, and `issuer` where there is a name to go with it" },
);

export interface IssuerParams {
  readonly id: string;
}
export const issuerParams: TSchema = Type.Object({ id: Type.String({ ...issuerId }) }, strict);

export interface RevokeBody {
  readonly reason: string;
}
export const revokeBody: TSchema = Type.Object({ reason: text }, strict);

export const issuerSchema: TSchema = Type.Object({
  id: Type.String(),
  issuer: Type.Optional(
    Type.String({ description: "Absent for a root whose certificates may use any of their names" }),
  ),
  kind: Type.Union([Type.Literal("key"), Type.Literal("root")]),
  thumbprint: Type.String(),
  enrolledAt: time,
  isNotary: Type.Optional(Type.Boolean({ description: "True of the notary's own key, which nobody can revoke" })),
  revokedAt: Type.Optional(time),
  reason: Type.Optional(Type.String()),
});
export const issuerList: TSchema = Type.Object({ issuers: Type.Array(issuerSchema) });

const placeSchema = Type.Object({
  name: Type.String(),
  kind: Type.Union([Type.Literal("ledger"), Type.Literal("authority")]),
  about: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])),
  submitted: uint,
  included: uint,
  final: uint,
  lost: uint,
  finalSize: Type.Integer({ minimum: 0, description: "Entries that a final anchor covers" }),
  finalTime: Type.Optional(time),
  problem: Type.Optional(Type.String()),
});

export const anchorList: TSchema = Type.Object({
  anchors: Type.Array(
    Type.Object({
      place: Type.String(),
      kind: Type.Union([Type.Literal("ledger"), Type.Literal("authority")]),
      about: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])),
      size: uint,
      rootHash: hash,
      state: Type.Union([
        Type.Literal("submitted"),
        Type.Literal("included"),
        Type.Literal("final"),
        Type.Literal("lost"),
      ]),
      submittedAt: time,
      block: Type.Optional(uint),
      blockId: Type.Optional(Type.String()),
      time: Type.Optional(time),
      problem: Type.Optional(Type.String()),
    }),
  ),
});
export const anchorQuery: TSchema = Type.Object(
  { limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })) },
  strict,
);
export const statusSchema: TSchema = Type.Object({
  origin: Type.String(),
  version: Type.String(),
  verifierKeys: Type.Array(Type.String({ description: "C2SP verifier key" })),
  receiptKey: Type.String({ description: "RFC 9679 thumbprint URI" }),
  treeSize: uint,
  rootHash: hash,
  checkpointTime: time,
  witnesses: Type.Array(
    Type.Object({
      name: Type.String(),
      url: Type.String(),
      verifierKeys: Type.Array(Type.String({ description: "C2SP verifier key" })),
      lastSize: uint,
      lastTime: Type.Optional(time),
      healthy: Type.Boolean(),
      code: Type.Optional(
        Type.String({
          description: "Why it is not healthy; VERIFY_CONSISTENCY: it has seen another history of this log",
        }),
      ),
    }),
  ),
  queue: Type.Object({ entries: uint, bytes: uint }),
  anchoring: Type.Object({ problem: Type.Optional(Type.String()), places: Type.Array(placeSchema) }),
});
