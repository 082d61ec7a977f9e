import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { anvilAccountKey, startAnvil } from "@attestry/ledger";
import { eventually } from "../../ledger/test-kit/chain.ts";
import { type Json, type Ran, run, runJson, startNotary, temporaryHome } from "./testing.ts";

async function ask(node: string, method: string, ...params: unknown[]): Promise<Json> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(node, { method: "POST", headers: { "content-type": "application/json" }, body });
  return ((await response.json()) as Json).result;
}

/** The notary's places once each has the problem that its expression describes; `undefined`: none. */
async function places(url: string, ...problems: readonly (RegExp | undefined)[]): Promise<Json[]> {
  return eventually(
    async () => ((await (await fetch(`${url}/v1/status`)).json()) as Json).anchoring.places,
    (all: Json[]) =>
      problems.every((problem, at) =>
        problem === undefined ? all[at].finalSize > 0 && !all[at].problem : problem.test(all[at].problem ?? ""),
      ),
  );
}

const rich = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

function writeRichKey(home: string): string {
  assert.equal(rich.slice(2), Buffer.from(anvilAccountKey).toString("hex"));
  writeFileSync(join(home, "rich.key"), rich, { mode: 0o600 });
  return "rich.key";
}

async function makeAccount(home: string, file: string): Promise<string> {
  const { code, stdout } = await run(["ledger", "account", "--key", file], { home });
  assert.equal(code, 0);
  assert.match(stdout, /^0x[0-9a-fA-F]{40}\n$/);
  return stdout.trim();
}

const ten = "0x8ac7230489e80000"; // ether

describe("ledgers on the command line", { concurrency: 2 }, () => {
  test("what is wrong with a ledger shows in plain words, registration goes on, and mending it is enough", async (t) => {
    const home = temporaryHome(t);
    const node = await startAnvil();
    t.after(() => node.close());
    const at = ["--ledger", node.url, "--key", writeRichKey(home)];
    const poor = await makeAccount(home, "poor.key");
    const first = await startNotary(t, home, ["--no-ledger"]);
    const deploy = async (...more: string[]): Promise<string> => {
      const { code, values } = await runJson(["ledger", "deploy", ...at, "--notary", first.url, ...more], { home });
      assert.equal(code, 0, JSON.stringify(values));
      return values[0].contract;
    };
    const member = (await runJson(["ledger", "account", "--key", "rich.key"], { home })).values[0].account;
    const good = await deploy("--writer", `${member}=${poor}`);
    const closed = await deploy();
    await first.stop();
    const [empty, other] = [`0x${"99".repeat(20)}`, `0x${"77".repeat(20)}`];
    await ask(node.url, "anvil_setCode", other, "0x6000");

    const contracts = [good, closed, empty, other].flatMap((contract) => [
      "--ledger",
      node.url,
      "--contract",
      contract,
    ]);
    const settings = [
      "--ledger-key",
      join(home, "poor.key"),
      "--finality",
      "0",
      "--anchor-every",
      "1",
      "--log-level",
      "debug",
    ];
    const notary = await startNotary(t, home, [...contracts, ...settings]);
    let logged = "";
    notary.process.stderr?.on("data", (piece) => {
      logged += piece;
    });
    const notarize = async (file: string): Promise<void> => {
      writeFileSync(join(home, file), file);
      const { code } = await run(["notarize", file, "--server", notary.url, "--data", notary.data], { home });
      assert.equal(code, 0);
    };
    await notarize("a.txt");
    const lasting = [
      /^The account 0x[0-9a-fA-F]{40} is not a writer of the contract; its members must add it\.$/,
      /^There is no AttestryAnchors contract at 0x9{40} on this chain\. Is it the right node and address\?$/,
      /^What stands at 0x7{40} is not the AttestryAnchors contract of this version\.$/,
    ];
    const unfunded = new RegExp(`^The account ${poor} has 0 wei; this takes up to \\d+\\. Send it some\\.$`);
    const [first0] = await places(notary.url, unfunded, ...lasting);
    const shown = await run(["status", "--server", notary.url], { home });
    assert.ok(
      shown.stdout.includes(`! ${first0.name}: nothing final yet (0 final, 0 under way, 0 lost). ${first0.problem}\n`),
    );

    await ask(node.url, "anvil_setBalance", poor, ten);
    await places(notary.url, undefined, ...lasting);
    const port = Number(new URL(node.url).port);
    await node.close();
    await notarize("b.txt");
    await places(notary.url, /^The node at http:\/\/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)\.$/);
    const stranger = await startAnvil({ port, moreArguments: ["--chain-id", "5"] });
    t.after(() => stranger.close());
    await places(
      notary.url,
      /^The node at http:\/\/127\.0\.0\.1:\d+ is on chain 5, not on 31337\. Nothing was sent\.$/,
    );
    await notarize("c.txt");
    assert.equal(await ask(stranger.url, "eth_getTransactionCount", poor, "latest"), "0x0");
    assert.equal(await notary.stop(), 0);

    const key = readFileSync(join(home, "poor.key"), "utf8").trim();
    assert.match(logged, /"anchor"/);
    const stored = readdirSync(notary.data).filter((name) => name.startsWith("anchors.db"));
    const kept = stored.map((name) => readFileSync(join(notary.data, name), "latin1"));
    for (const text of [logged, shown.stdout, ...kept]) assert.ok(!text.includes(key), "the account's key is nowhere");
  });

  test("two members decide together who may anchor", async (t) => {
    const home = temporaryHome(t);
    const node = await startAnvil();
    t.after(() => node.close());
    const [a, b, stranger] = await Promise.all(
      ["a.key", "b.key", "stranger.key"].map((file) => makeAccount(home, file)),
    );
    for (const account of [a, b, stranger]) await ask(node.url, "anvil_setBalance", account, ten);
    const ledger = ["--ledger", node.url];
    const founding = ["--member", a ?? "", "--member", b ?? "", "--writer", `${a}=${a}`, "--key", "a.key"];
    const deployed = await run(["ledger", "deploy", ...ledger, ...founding], { home });
    const contract =
      /^The contract is at (0x\w+) on chain 31337 \(block 1, \d+ gas\)\.$/m.exec(deployed.stdout)?.[1] ?? "";
    assert.match(deployed.stderr, /^Anchor there: attestry up --ledger http:\/\/127\.0\.0\.1:\d+ --contract 0x/);
    const at = [...ledger, "--contract", contract];
    const propose = (key: string, ...change: string[]): Promise<Ran> =>
      run(["ledger", "propose", ...change, ...at, "--key", key], { home });
    const status = async (): Promise<string> => (await run(["ledger", "status", ...at], { home })).stdout;
    assert.equal(await status(), `member    ${a}\nmember    ${b}\nwriter    ${a} of ${a}\n`);

    const proposed = await propose("a.key", "add-writer", b ?? "", stranger ?? "");
    const change = `add-writer ${stranger} of ${b}`;
    const id =
      /^Proposal (0x[0-9a-f]{64}), (.*): 1 of 2 members have approved so far\.$/m.exec(proposed.stdout)?.[1] ?? "";
    assert.ok(proposed.stdout.includes(`, ${change}: `), "an approver sees what is to be approved");
    const open = (await status()).split("\n").slice(-3);
    assert.equal(open[0], `proposal  ${id}: ${change}`);
    assert.match(open[1] ?? "", /^ {10}1 of 2 members have approved, more than half decide; until 20\d\d-\d\d-\d\d$/);
    const refused = await propose("stranger.key", "add-member", stranger ?? "");
    assert.deepEqual(
      [refused.code, refused.stderr],
      [2, `attestry: The account ${stranger} is not a member of the contract.\n`],
    );
    const approve = (key: string): Promise<Ran> => run(["ledger", "approve", id, ...at, "--key", key], { home });
    assert.equal((await approve("stranger.key")).code, 2);
    assert.equal((await approve("b.key")).stdout, `Decided and done: ${change}.\n`);
    assert.match(await status(), new RegExp(`^writer    ${stranger} of ${b}$`, "m"));
    const again = await approve("b.key");
    assert.equal(again.code, 2);
    assert.match(again.stderr, /^attestry: The contract has no such proposal, or it was decided already\.\n$/);
    const twice = await propose("a.key", "add-member", b ?? "");
    assert.equal(twice.code, 0, "what cannot be done shows when it is decided");
    const [second = ""] = /0x[0-9a-f]{64}/.exec(twice.stdout) ?? [];
    const impossible = await run(["ledger", "approve", second, ...at, "--key", "b.key"], { home });
    assert.match(impossible.stderr, new RegExp(`^attestry: Of ${b} that cannot be so: it has the role already`));

    const resign = (role: string, key: string): Promise<Ran> =>
      run(["ledger", "resign", role, ...at, "--key", key], { home });
    assert.equal((await resign("writer", "stranger.key")).stdout, `${stranger} is no writer any more.\n`);
    assert.equal((await resign("writer", "stranger.key")).code, 2);
    assert.equal((await resign("member", "b.key")).stdout, `${b} is no member any more.\n`);
    assert.match((await resign("member", "a.key")).stderr, /^attestry: The contract's last member stays\.\n$/);
    assert.equal((await resign("owner", "a.key")).code, 2);
  });

  test("the members register a log, give it another key when its own is lost, and it changes its key itself", async (t) => {
    const home = temporaryHome(t);
    const node = await startAnvil();
    t.after(() => node.close());
    const [a, b] = await Promise.all(["a.key", "b.key"].map((file) => makeAccount(home, file)));
    for (const account of [a, b]) await ask(node.url, "anvil_setBalance", account, ten);
    const founding = ["--member", a ?? "", "--member", b ?? "", "--writer", `${a}=${a}`, "--key", "a.key"];
    const deployed = await runJson(["ledger", "deploy", "--ledger", node.url, ...founding], { home });
    const at = ["--ledger", node.url, "--contract", deployed.values[0].contract];
    const settings = ["--ledger-key", join(home, "a.key"), "--finality", "0", "--anchor-every", "1"];
    const notary = await startNotary(t, home, [...at, ...settings]);
    writeFileSync(join(home, "a.txt"), "a");
    assert.equal((await run(["notarize", "a.txt", "--server", notary.url, "--data", notary.data], { home })).code, 0);
    await places(notary.url, /^The contract does not know this log; its members must register the log's key\.$/);

    const decide = async (...change: string[]): Promise<string> => {
      const proposed = await run(["ledger", "propose", "set-log-key", ...change, ...at, "--key", "a.key"], { home });
      const [id = ""] = /0x[0-9a-f]{64}/.exec(proposed.stdout) ?? [];
      const approved = await run(["ledger", "approve", id, ...at, "--key", "b.key"], { home });
      assert.equal(approved.code, 0, proposed.stderr + approved.stderr);
      return approved.stdout;
    };
    const registered = await decide("--notary", notary.url);
    const { receiptKey } = (await (await fetch(`${notary.url}/v1/status`)).json()) as Json;
    assert.equal(registered, `Decided and done: set-log-key ${receiptKey} for ${notary.origin}.\n`);
    await places(notary.url, undefined);
    const keyOf = async (): Promise<string> =>
      /^log {7}(?:.*), anchored up to 1 entries, key (urn:\S+)$/m.exec(
        (await run(["ledger", "status", ...at], { home })).stdout,
      )?.[1] ?? "";
    assert.equal(await keyOf(), receiptKey);

    const make = async (file: string): Promise<string> =>
      (await runJson(["key", "new", "--no-passphrase", "--out", file], { home })).values[0].thumbprint;
    const [next, other] = [await make("next.pem"), await make("other.pem")];
    const rotate = (present: string, to: string): Promise<Ran> => {
      const log = ["--origin", notary.origin, "--present", present, "--log-key", to];
      return run(["ledger", "rotate-log-key", ...log, ...at, "--key", "a.key"], { home });
    };
    const forged = await rotate("next.pem", "next.pem");
    assert.deepEqual([forged.code, await keyOf()], [2, receiptKey]);
    const rotated = await rotate(join(notary.data, "keys/log-es256.pem"), "next.pem");
    assert.equal(rotated.stdout, `From now on ${notary.origin} signs its anchors with ${next}.\n`, rotated.stderr);
    assert.equal(await keyOf(), next);
    writeFileSync(join(home, "b.txt"), "b");
    assert.equal((await run(["notarize", "b.txt", "--server", notary.url, "--data", notary.data], { home })).code, 0);
    await places(notary.url, /^The contract has another key for .* than the notary's\. Rotate it there\.$/);

    assert.match(await decide("--origin", notary.origin, "--log-key", "other.pem"), new RegExp(other));
    assert.match(await decide("--notary", notary.url), new RegExp(receiptKey));
    await places(notary.url, undefined);
  });

  test("what is mistaken on this machine is refused before anything starts", async (t) => {
    const home = temporaryHome(t);
    const contract = `0x${"5f".repeat(20)}`;
    writeFileSync(join(home, "open.key"), rich);
    chmodSync(join(home, "open.key"), 0o644);
    writeFileSync(join(home, "short.key"), "0x1234", { mode: 0o600 });
    writeFileSync(join(home, "not.pem"), "no certificate");
    const there = ["--ledger", "http://127.0.0.1:1", "--contract", contract];
    const wrong: [string[], RegExp, number][] = [
      [["up", "--ledger", "http://127.0.0.1:1"], /^attestry: --ledger and --contract go together/, 2],
      [["up", "--contract", contract], /^attestry: --ledger and --contract go together/, 2],
      [
        ["up", "--ledger", "node.example", "--contract", contract],
        /^attestry: "node\.example" is not a node's address/,
        2,
      ],
      [["up", "--ledger", "http://127.0.0.1:1", "--contract", "0x12"], /^attestry: "0x12" is no contract's address/, 2],
      [["up", ...there, "--ledger-key", "open.key"], /^attestry: Others can read or change open\.key\./, 2],
      [["up", ...there, "--ledger-key", "short.key"], /^attestry: short\.key does not hold one key/, 1],
      [
        ["up", ...there, "--ledger-key", "none.key"],
        /^attestry: There is no none\.key\. attestry ledger account makes one\./,
        1,
      ],
      [["up", "--tsa", "http://tsa.example"], /^attestry: --tsa takes URL=ROOTS\.pem/, 2],
      [["up", "--tsa", "http://tsa.example=none.pem"], /^attestry: none\.pem cannot be read/, 2],
      [["up", "--tsa", "http://tsa.example=not.pem"], /^attestry: not\.pem does not hold an authority's root/, 2],
      [["up", "--anchor-every", "0"], /^attestry: --anchor-every takes a whole number from 1 to/, 2],
      [["up", "--finality", "soon"], /^attestry: --finality takes a whole number from 0 to/, 2],
      [
        ["ledger", "deploy", "--ledger", "http://127.0.0.1:1", "--key", "none.key"],
        /^attestry: There is no none\.key/,
        1,
      ],
      [["ledger", "status", ...there], /^attestry: The node at http:\/\/127\.0\.0\.1:1 cannot be reached/, 3],
      [
        ["ledger", "propose", "add-members", "0x12", ...there],
        /^attestry: "add-members" is no change: add-member, /,
        2,
      ],
      [["ledger", "propose", "add-member", "0x12", ...there], /^attestry: "0x12" is not an address: 0x and 40/, 2],
      [
        ["ledger", "propose", "add-writer", contract, ...there],
        /^attestry: add-writer takes a member's address and/,
        2,
      ],
      [["ledger", "propose", "set-log-key", contract, ...there], /^attestry: set-log-key takes no address, but/, 2],
      [
        ["ledger", "propose", "set-log-key", "--origin", "x", ...there],
        /^attestry: Say which log: --notary URL, or/,
        2,
      ],
      [["ledger", "approve", "0x12", ...there], /^attestry: "0x12" is no proposal's id: 0x and 64 hexadecimal/, 2],
      [["ledger", "resign", "owner", ...there], /^attestry: "owner" is no role: member and writer are\.$/m, 2],
    ];
    const ran = await Promise.all(
      wrong.map(([args]) => run([...args, ...(args[0] === "up" ? ["--port", "0", "--data", "d"] : [])], { home })),
    );
    for (const [at, { code, stderr }] of ran.entries()) {
      const [args, expected, exit] = wrong[at] ?? [[], /^/, 0];
      assert.match(stderr, expected);
      assert.equal(code, exit, args.join(" "));
      assert.doesNotMatch(stderr, new RegExp(rich.slice(4)), "no key is shown");
    }
  });

  test("the account's key is made once, for its owner alone", async (t) => {
    const home = temporaryHome(t);
    const account = async (): Promise<Json> =>
      (await runJson(["ledger", "account", "--data", "d"], { home })).values[0];
    const first = await account();
    const file = join(home, "d/keys/ledger.key");
    assert.deepEqual(await account(), first);
    assert.equal(first.key, file);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });
});
