/** People with a session at a test's notary, as if they had signed in with the agency's account. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { BrowserContextOptions } from "playwright-core";
import type { Role } from "../../server/src/access/roles.ts";
import { hashSecret } from "../../server/src/access/secrets.ts";
import { openSqliteAccessStore } from "../../server/src/access/sqlite-store.ts";
import type { TestServer } from "../../server/src/testing.ts";

/** What the browser of somebody with just these roles keeps: the session's cookie. */
export async function sessionOf(
  server: TestServer,
  name: string,
  ...roles: readonly Role[]
): Promise<Pick<BrowserContextOptions, "storageState">> {
  const id = randomBytes(32).toString("base64url");
  const at = Math.floor(Date.now() / 1000);
  const store = openSqliteAccessStore(join(server.data, "access.db"));
  await store.addSession({ key: hashSecret(id), name, roles, provider: undefined, startedAt: at, seenAt: at });
  await store.close();
  const { hostname } = new URL(server.url);
  const cookie = { name: "attestry-session", value: id, domain: hostname, path: "/", expires: -1 };
  return { storageState: { cookies: [{ ...cookie, httpOnly: true, secure: false, sameSite: "Lax" }], origins: [] } };
}
