/**
 * Who may do what: the one table of roles and permissions, and the principal that a request is made by. Nothing else in the
 * server decides whether somebody may do something.
 */

export const roles = ["reader", "creator", "custodian", "administrator", "auditor"] as const;
export type Role = (typeof roles)[number];

export const permissions = [
  "object:read",
  "object:store",
  "object:export",
  "object:hold",
  "object:classify",
  "object:erase",
  "class:read",
  "vault:manage",
  "custody:read",
  "issuer:manage",
  "access:manage",
  "action:read",
  "audit:run",
] as const;
export type Permission = (typeof permissions)[number];

/**
 * Duties are kept apart: who says who may come in (administrator) reads no record, who keeps the records (custodian) lets nobody
 * in, and who checks both (auditor) changes nothing.
 */
const allowed: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  reader: new Set(["object:read"]),
  creator: new Set(["object:store", "class:read"]),
  custodian: new Set([
    "object:read",
    "object:store",
    "object:export",
    "object:hold",
    "object:classify",
    "object:erase",
    "class:read",
    "custody:read",
  ]),
  administrator: new Set(["class:read", "vault:manage", "issuer:manage", "access:manage", "action:read", "audit:run"]),
  auditor: new Set(["class:read", "custody:read", "action:read", "audit:run"]),
};

/** Who makes a request. */
export interface Principal {
  /** Unique among those who may be here at a time; it goes into custody events. */
  readonly name: string;
  /** How they showed who they are. `local`: with the token in the data folder. */
  readonly kind: "token" | "certificate" | "session" | "local";
  readonly roles: ReadonlySet<Role>;
}

/** Whether one of the principal's roles allows it. */
export function can(principal: Pick<Principal, "roles">, permission: Permission): boolean {
  return [...principal.roles].some((role) => allowed[role].has(permission));
}

/** All that a principal may do, in the table's order. */
export function permissionsOf(principal: Pick<Principal, "roles">): Permission[] {
  return permissions.filter((permission) => can(principal, permission));
}

export function isRole(text: unknown): text is Role {
  return (roles as readonly unknown[]).includes(text);
}

/**
 * Who holds the data folder holds its keys, so every role is theirs: to refuse them here would protect nothing, and the first run
 * on one's own machine needs no set-up.
 */
export const localPrincipal: Principal = { name: "administrator", kind: "local", roles: new Set(roles) };
