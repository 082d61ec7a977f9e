/** The notary's HTTP interface: the groups of routes over one notary. */
import type { FastifyInstance } from "fastify";
import type { Access } from "../access/access.ts";
import { addAccessHook } from "../access/hook.ts";
import { createIdentify } from "../access/identify.ts";
import type { Auditing } from "../auditing/auditing.ts";
import type { Notary } from "../notary.ts";
import type { OpenedAuthority } from "../tsa/open.ts";
import { timeStampRoutes } from "../tsa/route.ts";
import type { Vault } from "../vault/vault.ts";
import { accessRoutes } from "./access-routes.ts";
import { anchorRoutes } from "./anchor-routes.ts";
import { auditRoutes } from "./audit-routes.ts";
import { createIntake } from "./body.ts";
import { certificateRoutes } from "./certificate-routes.ts";
import type { RouteContext } from "./context.ts";
import { docsRoutes, homeRoutes, openApi } from "./docs.ts";
import { entryRoutes, scrapiRoutes } from "./entry-routes.ts";
import { createHttp, type HttpOptions } from "./fastify.ts";
import { historyRoutes } from "./history-routes.ts";
import { issuerRoutes } from "./issuer-routes.ts";
import { logRoutes } from "./log-routes.ts";
import { objectRoutes } from "./object-routes.ts";
import { hasPortal, portalRoutes } from "./portal-routes.ts";
import { createRateLimiter, type RateLimit } from "./rate-limit.ts";
import { batchRoutes, statementRoutes } from "./registration-routes.ts";
import { sessionRoutes } from "./session-routes.ts";
import { statusRoutes } from "./status-routes.ts";
import { uploadRoutes } from "./upload-routes.ts";
import { vaultRoutes } from "./vault-routes.ts";

export interface AppOptions extends HttpOptions {
  readonly notary: Notary;
  /** Answers POST /tsa; without one there is no such address. */
  readonly authority?: OpenedAuthority;
  /** Tokens, certificates and sessions. */
  readonly access?: Access;
  /** Content off-chain; without it there are no addresses for it. */
  readonly vault?: Vault;
  /** Audits from here; without it there is no address for it. */
  readonly auditing?: Auditing;
  /** Lets its bearer do everything; for an application without `access`. */
  readonly adminToken?: string;
  /** For each client: statements registered, requests that read. Default: not limited. */
  readonly rateLimits?: { readonly register: RateLimit; readonly read: RateLimit };
  /** Where the public reaches the notary, for links in what it makes: an origin such as `https://notary.example.gov`. */
  readonly publicUrl?: string;
  /** Bytes of one batch. Default 16 MiB. */
  readonly maxBatchBytes?: number;
  /** Statements in one batch. Default 8,192. */
  readonly maxBatchStatements?: number;
  /** Bytes of all bodies that are arriving or being worked on, before 503. Default 128 MiB. */
  readonly maxIntakeBytes?: number;
  /** Folder of the built portal, served at `/`. Without one there is a plain page. */
  readonly portal?: string;
}

const groups = [
  batchRoutes,
  statementRoutes,
  entryRoutes,
  certificateRoutes,
  issuerRoutes,
  accessRoutes,
  sessionRoutes,
  objectRoutes,
  uploadRoutes,
  vaultRoutes,
  auditRoutes,
  statusRoutes,
  historyRoutes,
  scrapiRoutes,
  logRoutes,
  anchorRoutes,
  timeStampRoutes,
  docsRoutes,
];

/** The application, not listening yet; closing it does not close the notary. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { notary, rateLimits } = options;
  const { app, isStopping } = createHttp(options, {
    reading: rateLimits?.read,
    onProblem: (code) => notary.metrics.refusals.inc({ code }),
  });
  const context: RouteContext = {
    notary,
    authority: options.authority,
    intake: createIntake(options.maxIntakeBytes ?? 128 * 1024 * 1024),
    limits: {
      batchBytes: options.maxBatchBytes ?? 16 * 1024 * 1024,
      batchStatements: options.maxBatchStatements ?? 8192,
    },
    registering: rateLimits && createRateLimiter(rateLimits.register),
    isStopping,
    publicUrl: options.publicUrl,
    access: options.access,
    vault: options.vault,
    auditing: options.auditing,
  };
  addAccessHook(app, options.access?.identify ?? createIdentify({ adminToken: options.adminToken }));
  await openApi(app);
  for (const routes of groups) await app.register(routes, context);
  if (hasPortal(options.portal)) await app.register(portalRoutes, { folder: options.portal });
  else await app.register(homeRoutes, context);
  await app.ready();
  return app;
}
