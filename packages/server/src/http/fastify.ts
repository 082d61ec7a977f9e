/**
 * The HTTP server under the notary and the witness, and what every request meets: limits of rate, size and time, errors as
 * problem documents, one log line without bodies or secrets, refusal while stopping.
 */
import { X509Certificate } from "node:crypto";
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { createSecureContext, type TlsOptions } from "node:tls";
import { AttestryError, type ErrorCode, errorCatalogue, parsePemCertificates } from "@attestry/core";
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import { type Logger, pino } from "pino";
import { invalidRequest } from "./invalid-request.ts";
import { sendProblem, toProblem } from "./problem.ts";
import { createRateLimiter, type RateLimit } from "./rate-limit.ts";

export interface HttpOptions {
  /**
   * PEM. With it the server speaks HTTPS alone. `clientCa`: certificates of clients that chain to these are asked for and checked;
   * a client without one is served as well.
   */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** Whose X-Forwarded-For to believe: proxies that set it, by IP address or CIDR range; true: anybody's. Default false. */
  readonly trustProxy?: boolean | string[];
  readonly logger?: Logger;
  /** Milliseconds that a client has to send its headers, and its whole request. Default 10,000 and 30,000. */
  readonly headersTimeout?: number;
  readonly requestTimeout?: number;
}

export interface Http {
  readonly app: FastifyInstance;
  readonly isStopping: () => boolean;
}

export interface HttpHooks {
  /** Requests that each client may make. Routes with `unlimited` in their config are not counted. */
  readonly reading: RateLimit | undefined;
  /** Told of each refusal. */
  readonly onProblem?: (code: ErrorCode) => void;
}

/** @throws USAGE when the certificate and key do not work, MALFORMED_CERTIFICATE for the clients' authorities */
export function createHttp(options: HttpOptions, hooks: HttpHooks): Http {
  const app = createFastify(options);
  let stopping = false;
  app.addHook("preClose", async () => {
    stopping = true;
  });
  const reading = hooks.reading && createRateLimiter(hooks.reading);
  const slow = createTimeLimit(options.requestTimeout ?? 30_000);
  app.addHook("onClose", async () => slow.close());
  app.addHook("onRequest", (request, _reply, done) => {
    if (stopping) throw new AttestryError("UNAVAILABLE_STOPPING");
    if (request.routeOptions.config.unlimited !== true) reading?.take(request.ip, 1);
    if (request.routeOptions.config.longBody !== true) slow.watch(request.raw);
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    slow.forget(request.raw);
    logRequest(request, reply);
    done();
  });
  app.setErrorHandler((error, request, reply) => {
    hooks.onProblem?.(toProblem(error).code);
    return sendProblem(error, request, reply);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(new AttestryError("NOT_FOUND", "There is nothing at this address."), request, reply),
  );
  return { app, isStopping: () => stopping };
}

function createFastify({ logger, trustProxy, tls, headersTimeout, requestTimeout }: HttpOptions): FastifyInstance {
  const whole = requestTimeout ?? 30_000;
  const timeouts = {
    requestTimeout: 0, // `createTimeLimit` does it, since some requests may take longer
    headersTimeout: Math.min(headersTimeout ?? 10_000, whole),
    connectionsCheckingInterval: Math.min(1000, whole / 2), // how often node looks for requests that are over their time
    maxHeaderSize: 16 * 1024,
  };
  const common = {
    loggerInstance: logger ?? pino({ level: "silent" }),
    childLoggerFactory: (parent: FastifyBaseLogger) => parent, // one for each request costs more than it tells
    logController: new LogController({ disableRequestLogging: true }), // `logRequest` writes the one line
    trustProxy: trustProxy ?? false,
    requestTimeout: timeouts.requestTimeout,
    connectionTimeout: 60_000, // a client that neither sends nor reads is cut off
    keepAliveTimeout: 72_000,
    bodyLimit: 64 * 1024,
    return503OnClosing: false, // ours is a problem document
    routerOptions: { maxParamLength: 200 },
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
      void sendProblem(error, request, reply);
    },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true as const, verbose: true } },
    schemaErrorFormatter: invalidRequest,
  };
  if (tls !== undefined) {
    checkCertificate(tls);
    const { validTo } = new X509Certificate(tls.cert);
    if (Date.parse(validTo) < Date.now())
      logger?.warn({ validTo }, "the TLS certificate has expired: clients will refuse it");
  }
  // The two kinds of server have types of their own, and nothing of ours depends on which it is.
  return tls === undefined
    ? (fastify({ ...common, http: timeouts }) as unknown as FastifyInstance)
    : (fastify({ ...common, https: { ...timeouts, ...secure(tls) } }) as unknown as FastifyInstance);
}

function secure({ cert, key, clientCa }: NonNullable<HttpOptions["tls"]>): TlsOptions {
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false };
  return { cert, key, minVersion: "TLSv1.2", ...clients };
}

function checkCertificate(tls: NonNullable<HttpOptions["tls"]>): void {
  try {
    createSecureContext({ cert: tls.cert, key: tls.key });
  } catch (cause) {
    throw new AttestryError("USAGE", "The TLS certificate and key cannot be used: both must be PEM, and go together.", {
      cause,
    });
  }
  // OpenSSL passes over what is no certificate: nobody would get in, and nobody would know why
  if (tls.clientCa !== undefined) parsePemCertificates(tls.clientCa);
}

interface TimeLimit {
  watch(request: IncomingMessage): void;
  forget(request: IncomingMessage): void;
  close(): void;
}

/**
 * Cuts off clients that take longer than so many milliseconds to send their body. One timer looks through the requests that are under
 * way: one for each of them would cost more than the rest of the limit.
 */
function createTimeLimit(milliseconds: number): TimeLimit {
  const since = new Map<IncomingMessage, number>();
  let timer: NodeJS.Timeout | undefined;

  function check(): void {
    const now = performance.now();
    for (const [request, start] of since) {
      const isOver = request.complete || request.destroyed;
      if (!isOver && now - start < milliseconds) continue;
      since.delete(request);
      if (!isOver) refuseConnection(Object.assign(new Error(), { code: "ERR_HTTP_REQUEST_TIMEOUT" }), request.socket);
    }
  }

  return {
    watch(request) {
      const { "content-length": length, "transfer-encoding": encoding } = request.headers;
      if (request.complete || (encoding === undefined && (length === undefined || length === "0"))) return;
      since.set(request, performance.now());
      timer ??= setInterval(check, Math.min(1000, milliseconds / 4)).unref();
    },
    forget: (request) => void since.delete(request),
    close: () => clearInterval(timer),
  };
}

/** Requests that never became one: too slow, too large a header, or not HTTP. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const status = error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
  const code = "MALFORMED_REQUEST";
  const detail = STATUS_CODES[status];
  const body = JSON.stringify({ status, code, title: errorCatalogue[code].meaning, detail });
  const headers = `connection: close\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}`;
  socket.end(`HTTP/1.1 ${status} ${detail}\r\n${headers}\r\n\r\n${body}`, () => socket.destroy());
}

/** Requests that went wrong are told of; the others only where somebody turned on `debug`. */
function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const { statusCode: status, elapsedTime } = reply;
  const level = status >= 400 ? "info" : "debug";
  if (!(request.log as Logger).isLevelEnabled(level)) return;
  const route = request.routeOptions.url ?? "none";
  const milliseconds = Math.round(elapsedTime);
  request.log[level]({ method: request.method, route, status, ip: request.ip, milliseconds }, "request");
}
