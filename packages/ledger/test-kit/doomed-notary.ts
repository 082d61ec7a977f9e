/**
 * A notary that is killed, as by `kill -9`, while it anchors: `node doomed-notary.ts FOLDER URL CONTRACT MOMENT`, where MOMENT is
 * `stored` (before anything is sent) or `sent` (before anything is heard of it).
 */
import type { AnchorStore } from "../src/anchor-store.ts";
import { createEvmLedger } from "../src/evm/evm-ledger.ts";
import type { Ledger } from "../src/ledger.ts";
import { openSqliteAnchorStore } from "../src/sqlite-anchor-store.ts";
import { accountOf } from "./chain.ts";
import { startNotary } from "./notary.ts";

const [folder = "", url = "", contract = "", moment] = process.argv.slice(2);

const dieAfter = async <T>(act: Promise<T>): Promise<T> => {
  const result = await act;
  process.kill(process.pid, "SIGKILL");
  return result;
};
const ledger = createEvmLedger({
  name: "local",
  url,
  chainId: 31337,
  contract,
  account: accountOf("notary"),
  finality: 0,
});
const store = openSqliteAnchorStore(folder);
const dyingLedger: Ledger = { ...ledger, submitAnchor: (...what) => dieAfter(ledger.submitAnchor(...what)) };
const dyingStore: AnchorStore = { ...store, put: (record) => dieAfter(store.put(record)) };

const notary = moment === "sent" ? await startNotary(dyingLedger, store) : await startNotary(ledger, dyingStore);
notary.size = 5;
setTimeout(() => process.exit(1), 60_000);
