/** What a notary takes when it is given a database on SQL Server; loaded only then. */
export { openSqlServerCatalogue } from "./catalogue.ts";
export { openDatabase } from "./database.ts";
export { openSqlServerIssuerStore } from "./issuer-store.ts";
export { openSqlServerLogStore } from "./log-store.ts";
export { openSqlServerObjectStore } from "./object-store.ts";
