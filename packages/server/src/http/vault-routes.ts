/** The vault's upkeep, for administrators: record classes, keys and their rotation, and the sweep. Nothing here tells of a record. */
import { recordClassName } from "@attestry/core/client";
import type { FastifyInstance } from "fastify";
import { type TSchema, Type } from "typebox";
import { principalOf } from "../access/hook.ts";
import { maxRetentionDays, type Retention } from "../vault/retention.ts";
import type { RouteContext } from "./context.ts";
import { classList, toClassList } from "./object-schemas.ts";
import { failures } from "./schemas.ts";

const tags = ["vault"];
const security = [{ administrator: [] }];
const config = { permission: "vault:manage" } as const;
const uint = Type.Integer({ minimum: 0 });

const keyState: TSchema = Type.Object({
  key: Type.String({ description: "The key-encryption key that wraps now" }),
  pending: Type.Integer({ description: "Data keys that another key wrapped: a rotation that is not done yet" }),
  rotation: Type.Object({
    state: Type.String({ description: "none, running, done or failed" }),
    done: uint,
    total: uint,
    problem: Type.Optional(Type.String()),
  }),
});

interface ClassSetting {
  readonly name: string;
  readonly retention: Retention;
}

const classSetting: TSchema = Type.Object(
  {
    name: Type.String({ ...recordClassName }),
    retention: Type.Union([Type.Integer({ minimum: 0, maximum: maxRetentionDays * 86_400 }), Type.Literal("forever")], {
      description: "Seconds for which what is stored from now on is kept at least, or forever",
    }),
  },
  { additionalProperties: false },
);

const rotateBody: TSchema = Type.Object(
  {
    forget: Type.Optional(
      Type.Boolean({ description: "Forget the keys that nothing needs any more: what they wrapped never opens again" }),
    ),
  },
  { additionalProperties: false },
);

export async function vaultRoutes(app: FastifyInstance, { vault, access }: RouteContext): Promise<void> {
  if (vault === undefined) return;
  app.addHook("onSend", async (_request, reply) => void reply.header("cache-control", "no-store"));

  app.post<{ Body: ClassSetting }>("/v1/record-classes", {
    config,
    schema: {
      tags,
      summary: "Add a record class, or change how long one keeps",
      description: "Records that are stored already keep the period that they were stored or moved under.",
      security,
      body: classSetting,
      response: { 200: classList, ...failures },
    },
    async handler(request) {
      const { name, retention } = request.body;
      const before = vault.recordClasses.get(name);
      if (before !== retention) {
        const isNew = before === undefined;
        const facts = { name, retention, ...(isNew ? {} : { before }) };
        await access?.actions.record(principalOf(request), isNew ? "class-added" : "class-changed", facts);
        await vault.setRecordClass(name, retention);
      }
      return toClassList(vault.recordClasses);
    },
  });

  app.get("/v1/vault/keys", {
    config,
    schema: {
      tags,
      summary: "The vault's keys, and how a rotation is",
      security,
      response: { 200: keyState, ...failures },
    },
    handler: () => vault.keyState(),
  });

  app.post<{ Body: { forget?: boolean } }>("/v1/vault/keys/rotate", {
    config,
    schema: {
      tags,
      summary: "Make a new key-encryption key, and wrap every data key anew",
      description:
        "No content is touched. It goes on in the background; begun again after a stop, it goes on where it was.",
      security,
      body: rotateBody,
      response: { 200: keyState, ...failures },
    },
    async handler(request) {
      const { rotation } = await vault.keyState();
      // asked for again while it runs, nothing is done that could be recorded
      if (rotation.state !== "running") {
        await access?.actions.record(principalOf(request), "keys-rotated", { forget: request.body.forget === true });
      }
      return vault.rotate(request.body);
    },
  });

  app.post("/v1/vault/sweep", {
    config,
    schema: {
      tags,
      summary: "Remove uploads that nobody goes on with, and what crashes left over",
      description: "The notary does it by itself once a day.",
      security,
      response: { 200: Type.Object({ uploads: uint, orphans: uint }), ...failures },
    },
    async handler(request) {
      await access?.actions.record(principalOf(request), "vault-swept", {});
      return vault.sweep();
    },
  });
}
