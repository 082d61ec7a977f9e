/** What a notary takes when it is given a database; loaded only then. */
export { openDatabase } from "./database.ts";
export { openPostgresIssuerStore } from "./issuer-store.ts";
export { openPostgresLogStore } from "./log-store.ts";
