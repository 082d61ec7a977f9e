/** What a notary takes when it is given a database; loaded only then. */
export { openPostgresCatalogue } from "./catalogue.ts";
export { openDatabase } from "./database.ts";
export { openPostgresIssuerStore } from "./issuer-store.ts";
export { openPostgresLogStore } from "./log-store.ts";
export { openPostgresObjectStore } from "./object-store.ts";
