/**
 * What every request meets: `request.principal` says who makes it, and a route whose config names a permission lets in only those
 * who have it. The refusal comes before the body is read and before anything is looked up, so it says nothing of what exists.
 */
import type { TLSSocket } from "node:tls";
import { AttestryError, type ErrorCode, isAttestryError } from "@attestry/core";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Identify } from "./identify.ts";
import { can, type Permission, type Principal } from "./roles.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What a principal needs to be let in: 401 without one, 403 without the permission. Without it the route is open. */
    permission?: Permission;
  }
  interface FastifyRequest {
    /** Who makes the request; undefined on open routes when nobody known does. */
    principal: Principal | undefined;
  }
}

/** Register it after the rate limit and before the routes. */
export function addAccessHook(app: FastifyInstance, identify: Identify): void {
  app.decorateRequest("principal", undefined);
  app.addHook("onRequest", (request, _reply, done) => {
    const { permission } = request.routeOptions.config;
    if (permission === undefined && !showsSomething(request)) return done(); // most requests: nothing to wait for
    identify(request)
      .then((principal) => {
        request.principal = principal;
        if (permission !== undefined) checkPermission(request, permission);
      })
      .catch((error: unknown) => {
        if (permission === undefined) return; // the route is open: whoever shows something wrong is nobody
        logRefusal(request, permission, error);
        throw error;
      })
      .then(() => done(), done);
  });
}

/**
 * The principal of a route that asks for a permission.
 * @throws POLICY_UNAUTHORISED when there is none
 */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw new AttestryError("POLICY_UNAUTHORISED");
  return request.principal;
}

function checkPermission(request: FastifyRequest, permission: Permission): void {
  if (!can(principalOf(request), permission)) throw new AttestryError("POLICY_FORBIDDEN");
}

function showsSomething({ headers, raw }: FastifyRequest): boolean {
  const { authorized } = raw.socket as Partial<TLSSocket>;
  return headers.authorization !== undefined || headers.cookie !== undefined || authorized === true;
}

/** Who was refused what, and why. No secret: `why` names principals and reasons alone. */
function logRefusal(request: FastifyRequest, permission: Permission, error: unknown): void {
  const { method, ip, principal } = request;
  const code: ErrorCode = isAttestryError(error) ? error.code : "FATAL_INTERNAL";
  const why = isAttestryError(error) ? error.data["why"] : undefined;
  const route = request.routeOptions.url;
  request.log.warn({ who: principal?.name, permission, method, route, ip, code, why }, "access refused");
}
