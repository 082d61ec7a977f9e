/** A notary that listens: opens the data folder, decides what its address allows, and stops without losing an answer. */
import { isAttestryError } from "@attestry/core";
import { type Logger, pino } from "pino";
import { openAccess } from "./access/access.ts";
import { openAuditing } from "./auditing/auditing.ts";
import { checkNoWitness, createDataFolder, openAdminToken } from "./data-folder.ts";
import { type AppOptions, createApp } from "./http/app.ts";
import { isLoopback, listen, passphraseWanted, stop } from "./http/listen.ts";
import { openOrCreatePublicKey } from "./keys/file-signer.ts";
import { addAuditMetrics } from "./metrics.ts";
import { createNotary, type Notary, type NotaryOptions } from "./notary.ts";
import { openTimeStampAuthority } from "./tsa/open.ts";
import { openVault } from "./vault/open.ts";

export interface ServerOptions
  extends NotaryOptions,
    Omit<AppOptions, "notary" | "adminToken" | "access" | "authority" | "vault" | "auditing"> {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 8080; 0 takes a free one. */
  readonly port?: number;
  /** Keeps keys without a passphrase on an address that others can reach. */
  readonly noPassphrase?: boolean;
  /** Seconds after which the notary audits itself again; without it, it audits only when asked to. */
  readonly auditEvery?: number;
  /** Milliseconds that requests have to finish in when the server stops. Default 10,000. */
  readonly stopTimeout?: number;
}

export interface RunningServer {
  /** E.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly notary: Notary;
  /** Makes a link that opens the portal as the local administrator, once and within ten minutes. */
  makePortalLink(): string;
  /** Takes no new requests, answers those under way, closes the log. */
  close(): Promise<void>;
}

/** What one client may do, where clients are others than this machine's own user. */
export const defaultRateLimits: NonNullable<AppOptions["rateLimits"]> = {
  register: { perSecond: 2000, burst: 20_000 },
  read: { perSecond: 100, burst: 1000 },
};

/**
 * Starts a notary. On a loopback address it enrols the local user's key (DIR/keys/issuer.pem, made when it is not there), and
 * limits no client's rate unless told to, or a proxy stands before it that says who they are.
 * @throws as `createNotary`; USAGE_PASSPHRASE for unencrypted keys on an address that others can reach; USAGE when the address
 *   cannot be listened on
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 8080, logger = pino({ level: "silent" }), stopTimeout = 10_000 } = options;
  const loopback = isLoopback(host);
  checkPassphrase(options, host);
  const folder = createDataFolder(options.data);
  checkNoWitness(folder);
  const notary = await createNotary(options);
  const opened = [notary.close];
  const closeParts = async (): Promise<void> => {
    for (const step of opened.splice(0).reverse()) await step();
  };
  try {
    const adminToken = await openAdminToken(folder.adminToken);
    if (loopback) await enrolLocalUser(notary, folder.issuerKey, options.passphrase, logger);
    const isProxied = options.trustProxy !== undefined && options.trustProxy !== false;
    const rateLimits = options.rateLimits ?? (loopback && !isProxied ? undefined : defaultRateLimits);
    const now = (): number => Math.floor((options.clock ?? Date.now)() / 1000);
    const { passphrase } = options;
    const authority = openTimeStampAuthority({ folder: folder.keys, origin: notary.origin, passphrase, now, logger });
    const { publicUrl } = options;
    const access = await openAccess({ folder, notary, adminToken, passphrase, now, publicUrl });
    opened.push(access.close);
    const { clock, database } = options;
    const vault = await openVault({ folder, notary, issuer: access.ownIssuer, database, passphrase, clock, logger });
    opened.push(vault.close);
    const witnessKeys = (options.witnesses ?? []).flatMap(({ verifierKeys }) => verifierKeys);
    const task = { data: folder.folder, ...(database === undefined ? {} : { database }), witnessKeys, passphrase };
    const auditing = openAuditing({
      task,
      path: folder.lastAudit,
      actions: access.actions,
      now,
      logger,
      every: options.auditEvery,
    });
    opened.push(auditing.close);
    addAuditMetrics(notary.metrics.registry, () => auditing.state().last);
    const app = await createApp({
      ...options,
      notary,
      authority,
      access,
      vault,
      auditing,
      logger,
      ...(rateLimits && { rateLimits }),
    });
    const url = await listen(app, host, port);
    logger.info({ url, origin: notary.origin, treeSize: notary.status.head.size }, "listening");
    setImmediate(notary.startAnchoring); // its drivers take long to load: whoever waits for this server is told first
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await stop(app, stopTimeout);
      await closeParts();
      logger.info("stopped");
    };
    return {
      url,
      notary,
      makePortalLink: () => `${publicUrl ?? url}/auth/local?code=${access.signIn.makeLocalCode()}`,
      close(): Promise<void> {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await closeParts();
    throw error;
  }
}

function checkPassphrase({ passphrase, noPassphrase }: ServerOptions, host: string): void {
  if (isLoopback(host) || passphrase !== undefined || noPassphrase === true) return;
  throw passphraseWanted(host);
}

async function enrolLocalUser(
  notary: Notary,
  path: string,
  passphrase: string | undefined,
  logger: Logger,
): Promise<void> {
  const key = await openOrCreatePublicKey(path, { passphrase });
  try {
    await notary.issuers.addKey(key);
  } catch (error) {
    if (!isAttestryError(error) || error.code !== "CONFLICT_EXISTS") throw error;
    logger.warn("the local user's key is not enrolled: it was revoked, or enrolled under another name");
  }
}
