import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually } from "../test-kit/chain.ts";
import { newFolder } from "../test-kit/notary.ts";
import { type Anvil, anvilAccountKey, anvilChainId, startAnvil } from "./anvil.ts";
import { createAccount } from "./evm/account.ts";
import { openRpc } from "./evm/rpc.ts";

const folder = newFolder();
after(() => rmSync(folder, { recursive: true, force: true }));

const ask = (node: Anvil | string, method: string, ...parameters: unknown[]): Promise<unknown> =>
  openRpc(typeof node === "string" ? node : node.url).call(method, parameters);
const height = (node: Anvil): Promise<unknown> => ask(node, "eth_blockNumber");

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("the local chain has the id and the funded account that it says", async (t) => {
  const node = await startAnvil();
  t.after(node.close);
  assert.deepEqual([BigInt((await ask(node, "eth_chainId")) as string), node.chainId], [31337n, anvilChainId]);
  const { address } = createAccount(anvilAccountKey);
  assert.ok(BigInt((await ask(node, "eth_getBalance", address, "latest")) as string) > 10n ** 21n);
});

test("the local chain is there again after a stop, and at the same port after a crash", async (t) => {
  const kept = join(folder, "kept");
  const first = await startAnvil({ folder: kept });
  await ask(first, "anvil_mine", "0x5");
  await first.close();
  assert.equal(first.pid, undefined);
  const second = await startAnvil({ folder: kept });
  t.after(second.close);
  assert.equal(await height(second), "0x5");
  await ask(second, "anvil_mine", "0x2");
  const { pid } = second;
  const file = join(kept, "chain.json");
  await eventually(
    () => JSON.parse(readFileSync(file, "utf8")).best_block_number,
    (best) => Number(best) === 7,
  );
  process.kill(pid as number, "SIGKILL");
  await eventually(
    () => second.pid,
    (now) => now !== undefined && now !== pid,
  );
  assert.equal(await height(second), "0x7");
});

test("the local chain ends when whoever started it is killed, and the next one goes on where it was", async () => {
  const kept = join(folder, "orphan");
  const parent = spawn(process.execPath, [join(import.meta.dirname, "../test-kit/anvil-parent.ts"), kept], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  parent.stdout.on("data", (part) => {
    said += part;
  });
  const [url, pid] = (
    await eventually(
      () => said,
      (text) => text.split("\n").length === 3,
    )
  ).split("\n");
  await ask(url as string, "anvil_mine", "0x7");
  parent.kill("SIGKILL");
  await once(parent, "exit");
  const node = await startAnvil({ folder: kept }); // at once: the former one is still writing
  assert.equal(isRunning(Number(pid)), false);
  assert.equal(await height(node), "0x7");
  await node.close();
});

test("a port that is taken is not shared", async (t) => {
  const node = await startAnvil();
  t.after(node.close);
  const port = Number(new URL(node.url).port);
  await assert.rejects(startAnvil({ port }), { code: "UNAVAILABLE_LEDGER", message: /taken/ });
});

test("a node that cannot start is told, not waited for", async () => {
  await assert.rejects(startAnvil({ moreArguments: ["--no-such-argument"] }), { code: "UNAVAILABLE_LEDGER" });
});
