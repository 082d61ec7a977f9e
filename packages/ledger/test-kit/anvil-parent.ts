/** Starts a local chain, says its address and process id on a line each, and waits to be killed: `node anvil-parent.ts FOLDER`. */
import { startAnvil } from "../src/anvil.ts";

const { url, pid } = await startAnvil({ folder: process.argv[2] as string });
console.log(`${url}\n${pid}`);
setInterval(() => {}, 1000);
