import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  encodeEvmAnchor,
  encodeProofFile,
  type ProofFile,
  parseEvmAnchor,
  parseProofFile,
  withTreeEvidence,
} from "@attestry/core";
import { startAnvil } from "@attestry/ledger";
import { ask, covered, notarize, readStatus } from "./anchor-testing.ts";
import { type Ran, run, runJson, start, startNotary, temporaryHome } from "./testing.ts";

const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, (bytes.at(at) ?? 0) ^ 1);

/** The proof with the last node of its anchor's storage proof changed. */
function withDamagedAnchor(proof: ProofFile): Uint8Array {
  const receipts = proof.receipts.map((receipt) => {
    const [anchor] = (receipt.evidence.anchors ?? []).map(parseEvmAnchor);
    if (anchor === undefined) return withTreeEvidence(receipt, {});
    const storageProof = anchor.storageProof.map((node, at, all) => (at + 1 < all.length ? node : flip(node, -1)));
    return withTreeEvidence(receipt, { anchors: [encodeEvmAnchor({ ...anchor, storageProof })] });
  });
  return encodeProofFile({ ...proof, receipts });
}

describe("anchors on the command line", { concurrency: 2 }, () => {
  test("the first run anchors on a chain of its own, and every command tells of it", async (t) => {
    const home = temporaryHome(t);
    const notary = await startNotary(t, home);
    const at = ["--server", notary.url];
    writeFileSync(join(home, "a.txt"), "a");
    await notarize(home, notary, "a.txt");
    const { about, name } = await covered(notary.url, 1);
    assert.equal(name, "local");
    const [list, status, refreshed] = await Promise.all([
      run(["anchors", ...at], { home }),
      run(["status", ...at], { home }),
      run(["proof", "refresh", "a.txt", ...at], { home }),
    ]);
    assert.match(list.stdout, /^final {5}the first 1 entry: local, block \d+, 20\d\d-/);
    assert.match(status.stdout, /^entries {3}1, the last at /m);
    assert.match(status.stdout, /^ledger {4}✓ local: 1 of them by 20.* \(1 final, 0 under way, 0 lost\)$/m);
    assert.match(refreshed.stdout, /^✓ a\.txt\.proof: refreshed \(1 ledger anchor, 0 time stamps\)\n$/);

    const verify = (ledger: string): Promise<Ran> =>
      run(["verify", "a.txt", ...at, "--data", notary.data, "--ledger", ledger], { home });
    const asked = await verify(about.url);
    assert.equal(asked.code, 0, asked.stdout);
    assert.match(
      asked.stdout,
      /existed by .* by a pinned block of chain 31337 \(the node at 127\.0\.0\.1:\d+, asked now\)/,
    );
    const stranger = await startAnvil({ moreArguments: ["--chain-id", "5"] });
    t.after(() => stranger.close());
    const both = await run(
      ["verify", "a.txt", ...at, "--data", notary.data, "--ledger", stranger.url, "--ledger", about.url],
      { home },
    );
    assert.match(both.stdout, /✓ anchors /, "each anchor's own node is found");
    assert.equal(both.stderr, "");
    const empty = await startAnvil();
    t.after(() => empty.close());
    const [gone, elsewhere, without] = await Promise.all([
      verify("http://127.0.0.1:1"),
      verify(stranger.url),
      verify(empty.url),
    ]);
    assert.match(gone.stderr, /^The ledger's node at 127\.0\.0\.1:1 could not be asked\.\n$/);
    assert.match(elsewhere.stderr, /^An anchor is on chain 31337; the node at .* is on chain 5\.\n$/);
    assert.match(without.stderr, /^An anchor is in block \d+, which the node at .* does not have\.\n$/);
    for (const { code, stdout } of [gone, elsewhere, without]) {
      assert.equal(code, 0);
      assert.match(stdout, /\? anchors /, "it is open, and no reason to doubt the rest");
    }
    await ask(empty.url, "anvil_mine", "0x9");
    const forked = await verify(empty.url);
    assert.equal(forked.code, 1);
    assert.match(forked.stdout, /NOT TRUSTED.*\n(.*\n)*.*✗ anchors/);
  });

  test("killed, it leaves no node behind; started again, it goes on with the same chain", async (t) => {
    const home = temporaryHome(t);
    const first = await startNotary(t, home, ["--anchor-every", "1"]);
    writeFileSync(join(home, "a.txt"), "a");
    await notarize(home, first, "a.txt");
    const { about } = await covered(first.url, 1);
    const { blockId, block } = (await runJson(["anchors", "--server", first.url], { home })).values[0].anchors[0];
    await first.kill();
    const second = await startNotary(t, home, ["--anchor-every", "1"]); // at once: the node before is still writing
    writeFileSync(join(home, "b.txt"), "b");
    await notarize(home, second, "b.txt");
    const now = await covered(second.url, 2);
    await assert.rejects(ask(about.url, "eth_chainId"), { name: "TypeError" });
    assert.equal(now.about.contract, about.contract);
    const kept = await ask(now.about.url, "eth_getBlockByNumber", `0x${block.toString(16)}`, false);
    assert.equal(kept.hash, `0x${blockId}`);
    assert.equal(await second.stop(), 0);
    await assert.rejects(ask(now.about.url, "eth_chainId"), { name: "TypeError" });
  });

  test("with --no-ledger nothing is anchored; and a refresh takes nothing from a proof that has more", async (t) => {
    const home = temporaryHome(t);
    const anchored = await startNotary(t, home, ["--anchor-every", "1"]);
    writeFileSync(join(home, "a.txt"), "a");
    await notarize(home, anchored, "a.txt");
    await covered(anchored.url, 1);
    const none = await run(["proof", "refresh", "b.txt", "--server", anchored.url], { home, input: "" });
    assert.match(none.stderr, /^attestry: .*b\.txt/);
    writeFileSync(join(home, "b.txt"), "no proof");
    const noProof = await run(["proof", "refresh", "b.txt", "--server", anchored.url], { home });
    const what = "b.txt is no proof file, and there is no b.txt.proof beside it. Notarise it (attestry notarize b.txt)";
    const find = "or get its proof again: attestry find b.txt --save b.txt.proof";
    assert.equal(noProof.stderr, `attestry: ${what}, ${find}\n`);
    const refresh = async (url: string): Promise<string> =>
      (await run(["proof", "refresh", "a.txt", "--server", url], { home })).stdout;
    assert.match(await refresh(anchored.url), /refreshed \(1 ledger anchor/);
    const before = readFileSync(join(home, "a.txt.proof"));
    await anchored.stop();

    for (const end of ["", "-wal", "-shm"]) rmSync(join(anchored.data, `anchors.db${end}`), { force: true });
    const plain = await startNotary(t, home, ["--no-ledger"]);
    const { anchoring } = await readStatus(plain.url);
    assert.deepEqual(anchoring, { places: [] });
    const listed = await run(["anchors", "--server", plain.url], { home });
    assert.equal(listed.stdout, "The log has not been anchored yet.\n");
    assert.match(await refresh(plain.url), /^= a\.txt\.proof: nothing new \(1 ledger anchor, 0 time stamps\)\n$/);
    assert.deepEqual(readFileSync(join(home, "a.txt.proof")), before);

    // A damaged proof is mended, and no damage is kept.
    writeFileSync(join(home, "a.txt.proof"), withDamagedAnchor(parseProofFile(before)));
    assert.match(await refresh(plain.url), /^✓ a\.txt\.proof: refreshed \(0 ledger anchors, 0 time stamps\)\n$/);
  });

  test("Ctrl-C ends it while its chain is still being started", async (t) => {
    const home = temporaryHome(t);
    const child = start(["up", "--port", "0", "--data", "notary", "--json"], { home });
    t.after(() => child.kill("SIGKILL"));
    await once(child.stdout ?? child, "data");
    child.kill("SIGINT");
    await once(child, "exit");
    assert.equal(child.exitCode, 0);
  });
});
