/** What the groups of routes share. */
import type { Access } from "../access/access.ts";
import type { Auditing } from "../auditing/auditing.ts";
import type { Notary } from "../notary.ts";
import type { OpenedAuthority } from "../tsa/open.ts";
import type { Vault } from "../vault/vault.ts";
import type { Intake } from "./body.ts";
import type { RateLimiter } from "./rate-limit.ts";

export interface Limits {
  /** Bytes of one batch of statements. */
  readonly batchBytes: number;
  /** Statements in one batch. */
  readonly batchStatements: number;
}

export interface RouteContext {
  readonly notary: Notary;
  /** The notary's own time stamp authority. */
  readonly authority: OpenedAuthority | undefined;
  readonly intake: Intake;
  readonly limits: Limits;
  /** Counts statements; undefined: not limited. */
  readonly registering: RateLimiter | undefined;
  readonly isStopping: () => boolean;
  /** Tokens, sessions, sign-in; without it only the administrator's token is known. */
  readonly access: Access | undefined;
  /** Content off-chain; without it there are no such addresses. */
  readonly vault: Vault | undefined;
  /** Audits of the notary's own data. */
  readonly auditing: Auditing | undefined;
  /** Where the public reaches the notary: an origin such as `https://notary.example.gov`. Undefined: as the client did. */
  readonly publicUrl: string | undefined;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Requests to this route are not counted as reading. */
    unlimited?: boolean;
    /** The body may take any time, as long as it keeps coming. */
    longBody?: boolean;
  }
}
