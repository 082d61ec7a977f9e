import assert from "node:assert/strict";
import { test } from "node:test";
import { can, isRole, localPrincipal, type Permission, permissions, permissionsOf, type Role, roles } from "./roles.ts";

/** Every role and every permission, written out: y may, n may not. The columns are in the order of `roles`. */
const expected: Readonly<Record<Permission, string>> = {
  //                 reader, creator, custodian, administrator, auditor
  "object:read": "ynynn",
  "object:store": "nyynn",
  "object:export": "nnynn",
  "object:hold": "nnynn",
  "object:classify": "nnynn",
  "object:erase": "nnynn",
  "class:read": "nyyyy",
  "vault:manage": "nnnyn",
  "custody:read": "nnyny",
  "issuer:manage": "nnnyn",
  "access:manage": "nnnyn",
  "action:read": "nnnyy",
  "audit:run": "nnnyy",
};

test("each role may do just what the table says", () => {
  assert.deepEqual([...permissions].sort(), Object.keys(expected).sort());
  for (const permission of permissions) {
    const row = roles.map((role) => (can({ roles: new Set([role]) }, permission) ? "y" : "n")).join("");
    assert.equal(row, expected[permission], permission);
  }
});

test("several roles may do what any of them may, and none may do nothing", () => {
  for (const one of roles) {
    for (const other of roles) {
      const both = permissionsOf({ roles: new Set<Role>([one, other]) });
      const either = permissions.filter((permission) =>
        [one, other].some((role) => can({ roles: new Set([role]) }, permission)),
      );
      assert.deepEqual(both, either, `${one} and ${other}`);
    }
  }
  assert.deepEqual(permissionsOf({ roles: new Set() }), []);
});

test("who holds the data folder may do everything", () => {
  assert.deepEqual(permissionsOf(localPrincipal), [...permissions]);
});

test("nothing that only looks like a role is one", () => {
  for (const text of ["", "Reader", "admin", "constructor", "__proto__", undefined, 1])
    assert.equal(isRole(text), false);
});
