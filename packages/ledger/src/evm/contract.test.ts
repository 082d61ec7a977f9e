import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import { anchorStorageSlot, encodeUtf8, type Signer, sha256 } from "@attestry/core";
import {
  decodeEventLog,
  decodeFunctionResult,
  encodeFunctionData,
  keccak256,
  parseAbi,
  stringToHex,
  zeroAddress,
  zeroHash,
} from "viem";
import { accountOf, type Chain, createLogSigner, fundedAccount, rootOf, startChain } from "../../test-kit/chain.ts";
import { artifactPath } from "../compile.ts";
import type { AnchorTarget } from "../ledger.ts";
import { abi } from "./abi.ts";
import type { EvmAccount } from "./account.ts";
import { connect } from "./connect.ts";
import {
  approveProposal,
  type ConsortiumAction,
  proposeAction,
  readConsortium,
  resignRole,
  rotateLogKey,
} from "./consortium.ts";
import {
  type ContractAt,
  encodeAnchorMessage,
  encodeCall,
  encodeRotationMessage,
  type Hex,
  keyCoordinates,
  originHash,
  readContract,
  signForContract,
  toHex,
} from "./contract.ts";
import { deployContract } from "./deploy.ts";
import { transact } from "./transact.ts";

const origin = "example.com/log";
const log = createLogSigner();
const stranger = accountOf("a stranger");

let chain: Chain;
let a: EvmAccount;
let b: EvmAccount;
let c: EvmAccount;
let writer: EvmAccount;
let at: ContractAt;
let snapshot: unknown;

before(async () => {
  chain = await startChain();
  [a, b, c, writer] = await Promise.all([
    fundedAccount(chain, "member a"),
    fundedAccount(chain, "member b"),
    fundedAccount(chain, "member c"),
    fundedAccount(chain, "writer of a"),
  ]);
  at = await deploy({ logs: [{ origin, publicKey: log.publicKey }] });
  snapshot = await chain.control("evm_snapshot");
});
after(() => chain.close());
beforeEach(async () => {
  await chain.control("evm_revert", snapshot);
  snapshot = await chain.control("evm_snapshot");
});

async function deploy(more: Partial<Parameters<typeof deployContract>[0]>): Promise<ContractAt> {
  const { url, chainId } = chain;
  const members = [a, b, c].map(({ address }) => address);
  const writers = [{ member: a.address, account: writer.address }];
  const { contract } = await deployContract({ url, chainId, account: a, members, writers, ...more });
  return connect({ url, chainId, contract });
}

const target = (size: number): AnchorTarget => ({ origin, size, rootHash: rootOf(size) });

interface Attempt {
  readonly by?: EvmAccount;
  readonly signer?: Signer;
  /** What is signed, where it is not what is sent. */
  readonly signed?: Uint8Array;
  readonly signature?: { r: Hex; s: Hex };
  readonly on?: ContractAt;
}

async function anchor(what: AnchorTarget, attempt: Attempt = {}) {
  const { by = writer, signer = log, on = at } = attempt;
  const message = attempt.signed ?? encodeAnchorMessage(on, what);
  const { r, s } = attempt.signature ?? (await signForContract(signer, message));
  return send(by, encodeCall("anchor", [originHash(what.origin), BigInt(what.size), toHex(what.rootHash), r, s]), on);
}

function send(account: EvmAccount, data: Hex, on = at) {
  return transact({ ...on, account, to: on.contract, data: async () => data });
}

const refused = (reason: string) => ({ code: "POLICY_LEDGER", data: { reason } });
const superseded = { code: "CONFLICT_ANCHOR", data: { reason: "superseded" } };

test("every line of the driver's ABI is one of the compiled contract's", () => {
  // The compiled one also has Solidity's own types, and says what goes without saying.
  const plain = (item: unknown): string =>
    JSON.stringify(item, (key, value) =>
      value === "" || value === false || key === "internalType" ? undefined : sorted(value),
    );
  const compiled = new Set(JSON.parse(readFileSync(artifactPath, "utf8")).abi.map(plain));
  for (const item of abi) assert.ok(compiled.has(plain(item)), plain(item));
});

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1)));
}

describe("anchoring", () => {
  test("keeps the latest checkpoint and the history, and tells of each anchor in an event", async () => {
    await anchor(target(5));
    const { block } = await anchor(target(9));
    assert.deepEqual(await readContract(at, "latest", [originHash(origin)]), [9n, toHex(rootOf(9))]);
    assert.equal(await readContract(at, "rootAt", [originHash(origin), 5n]), toHex(rootOf(5)));
    assert.equal(await readContract(at, "rootAt", [originHash(origin), 6n]), zeroHash);
    const filter = { address: at.contract, fromBlock: `0x${block.toString(16)}` };
    const [event] = (await chain.control("eth_getLogs", filter)) as { data: Hex; topics: [Hex, ...Hex[]] }[];
    assert.deepEqual(event && decodeEventLog({ abi, ...event }), {
      eventName: "Anchored",
      args: { originHash: originHash(origin), size: 9n, root: toHex(rootOf(9)), writer: writer.address },
    });
  });

  test("stores each root where core looks for its proof", async () => {
    await anchor(target(7));
    const slot = toHex(await anchorStorageSlot(origin, 7));
    assert.equal(await chain.control("eth_getStorageAt", at.contract, slot, "latest"), toHex(rootOf(7)));
  });

  test("is for writers alone: no stranger, and no member that is not one", async () => {
    await assert.rejects(anchor(target(5), { by: stranger }), refused("not-a-writer"));
    await assert.rejects(anchor(target(5), { by: a }), refused("not-a-writer"));
  });

  test("refuses a log that nobody registered", async () => {
    await assert.rejects(anchor({ ...target(5), origin: "other.example/log" }), refused("log-unregistered"));
  });

  test("refuses a size that does not grow, be the root the same or another", async () => {
    await assert.rejects(anchor(target(0)), superseded);
    await anchor(target(5));
    await assert.rejects(anchor(target(5)), superseded);
    await assert.rejects(anchor({ ...target(5), rootHash: rootOf(6) }), superseded);
    await assert.rejects(anchor(target(4)), superseded);
    assert.equal(await readContract(at, "rootAt", [originHash(origin), 5n]), toHex(rootOf(5)));
  });

  test("refuses an empty root", async () => {
    await assert.rejects(anchor({ ...target(5), rootHash: new Uint8Array(32) }), refused("EmptyRoot"));
  });

  test("refuses what the log did not sign: a writer's account alone anchors nothing", async () => {
    const good = target(5);
    await assert.rejects(anchor(good, { signer: createLogSigner("another log") }), refused("log-key"));
    const others: Uint8Array[] = [
      encodeAnchorMessage(at, { ...good, rootHash: rootOf(6) }),
      encodeAnchorMessage(at, { ...good, size: 6 }),
      encodeAnchorMessage(at, { ...good, origin: "other.example/log" }),
      encodeAnchorMessage({ ...at, chainId: 1 }, good),
      encodeAnchorMessage({ ...at, contract: stranger.address }, good),
      encodeUtf8(`${origin}\n5\n`),
    ];
    for (const signed of others) await assert.rejects(anchor(good, { signed }), refused("log-key"));
    const nothing = { r: zeroHash, s: zeroHash };
    await assert.rejects(anchor(good, { signature: nothing }), refused("log-key"));
  });

  test("refuses the second form that every ECDSA signature has", async () => {
    const { r, s } = await signForContract(log, encodeAnchorMessage(at, target(5)));
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const high: Hex = `0x${(order - BigInt(s)).toString(16).padStart(64, "0")}`;
    await assert.rejects(anchor(target(5), { signature: { r, s: high } }), refused("log-key"));
    await anchor(target(5), { signature: { r, s } });
  });

  test("what the log signs is made by the driver as the contract makes it", async () => {
    const message = encodeAnchorMessage(at, target(5));
    const args = [originHash(origin), 5n, toHex(rootOf(5))] as const;
    assert.equal(await readView("anchorMessage", "bytes32, uint64, bytes32", args), toHex(message));
    const next = { x: toHex(rootOf(1)), y: toHex(rootOf(2)) };
    const rotation = encodeRotationMessage(at, { origin, keyNumber: 1n, next });
    const keys = [originHash(origin), next.x, next.y] as const;
    assert.equal(await readView("rotationMessage", "bytes32, bytes32, bytes32", keys), toHex(rotation));
  });
});

describe("the log's key", () => {
  const next = createLogSigner("the next key");

  test("changes with the consent of the present one, and then the next one counts", async () => {
    await rotateLogKey(at, writer, { origin, present: log, next: next.publicKey });
    await assert.rejects(anchor(target(5)), refused("log-key"));
    await anchor(target(5), { signer: next });
  });

  test("does not change without it, for a stranger, or to something that is no key", async () => {
    const rotation = { origin, present: log, next: next.publicKey };
    await assert.rejects(rotateLogKey(at, writer, { ...rotation, present: next }), refused("log-key"));
    await assert.rejects(rotateLogKey(at, stranger, rotation), refused("not-a-writer"));
    await assert.rejects(rotateLogKey(at, writer, { ...rotation, origin: "other" }), refused("log-unregistered"));
    const noKey = { x: toHex(rootOf(1)), y: toHex(rootOf(2)) };
    const { r, s } = await signForContract(log, encodeRotationMessage(at, { origin, keyNumber: 1n, next: noKey }));
    const data = encodeCall("rotateLogKey", [originHash(origin), noKey.x, noKey.y, r, s]);
    await assert.rejects(send(writer, data), refused("InvalidKey"));
  });

  test("does not change a second time by the same signature, after it was changed back", async () => {
    const to = keyCoordinates(next);
    const { r, s } = await signForContract(log, encodeRotationMessage(at, { origin, keyNumber: 1n, next: to }));
    const data = encodeCall("rotateLogKey", [originHash(origin), to.x, to.y, r, s]);
    await send(writer, data);
    await rotateLogKey(at, writer, { origin, present: next, next: log.publicKey });
    await assert.rejects(send(writer, data), refused("log-key"));
  });

  test("is replaced by the members when it is lost", async () => {
    const action: ConsortiumAction = { kind: "set-log-key", origin, key: keyCoordinates(next) };
    const { id } = await proposeAction(at, a, action);
    await approveProposal(at, b, id);
    await anchor(target(5), { signer: next });
    await assert.rejects(anchor(target(6)), refused("log-key"));
  });
});

describe("the members", () => {
  const newcomer = accountOf("a newcomer");
  const addNewcomer: ConsortiumAction = { kind: "add-member", member: newcomer.address };
  const decide = async (action: ConsortiumAction, approver = b): Promise<boolean> => {
    const { id } = await proposeAction(at, a, action);
    return (await approveProposal(at, approver, id)).executed;
  };

  test("decide by more than half, each of them once", async () => {
    const proposed = await proposeAction(at, a, addNewcomer);
    assert.deepEqual(proposed, { id: proposed.id, executed: false, approvals: 1, members: 3 });
    assert.equal((await approveProposal(at, a, proposed.id)).approvals, 1);
    const [open] = (await readConsortium(at)).proposals;
    assert.deepEqual([open?.id, open?.action, open?.approvals], [proposed.id, addNewcomer, 1]);
    assert.equal((await approveProposal(at, b, proposed.id)).executed, true);
    const { members, proposals } = await readConsortium(at);
    assert.deepEqual([members, proposals], [[a, b, c, newcomer].map(({ address }) => address), []]);
    const four = await proposeAction(at, a, { kind: "remove-member", member: newcomer.address });
    assert.equal((await approveProposal(at, b, four.id)).executed, false, "two of four are not more than half");
    assert.equal((await approveProposal(at, c, four.id)).executed, true);
  });

  test("alone propose and approve", async () => {
    const { id } = await proposeAction(at, a, addNewcomer);
    for (const outsider of [writer, stranger]) {
      await assert.rejects(proposeAction(at, outsider, addNewcomer), refused("not-a-member"));
      await assert.rejects(approveProposal(at, outsider, id), refused("not-a-member"));
    }
  });

  test("decide a proposal once", async () => {
    const { id } = await proposeAction(at, a, addNewcomer);
    await approveProposal(at, b, id);
    await assert.rejects(approveProposal(at, c, id), refused("UnknownProposal"));
    await assert.rejects(approveProposal(at, c, toHex(rootOf(1))), refused("UnknownProposal"));
  });

  test("have thirty days for it", async () => {
    const { id } = await proposeAction(at, a, addNewcomer);
    await chain.control("evm_increaseTime", 30 * 24 * 3600 + 1);
    await chain.mine();
    await assert.rejects(approveProposal(at, b, id), refused("ProposalLapsed"));
  });

  test("no longer count once removed, not even what they approved before, and not when they are back", async () => {
    const { id } = await proposeAction(at, c, addNewcomer);
    assert.equal(await decide({ kind: "remove-member", member: c.address }), true);
    assert.equal(await readContract(at, "approvalsOf", [id]), 0n);
    await assert.rejects(approveProposal(at, c, id), refused("not-a-member"));
    assert.equal((await approveProposal(at, a, id)).executed, false, "one of two");
    assert.equal(await decide({ kind: "add-member", member: c.address }), true);
    assert.equal(await readContract(at, "approvalsOf", [id]), 1n);
    assert.equal((await approveProposal(at, c, id)).executed, true);
  });

  test("need fewer approvals when they have become fewer", async () => {
    assert.equal(await decide(addNewcomer), true);
    const { id } = await proposeAction(at, a, { kind: "add-member", member: stranger.address });
    assert.equal((await approveProposal(at, b, id)).executed, false, "two of four");
    const removal = await proposeAction(at, a, { kind: "remove-member", member: newcomer.address });
    await approveProposal(at, b, removal.id);
    await approveProposal(at, c, removal.id);
    assert.equal((await approveProposal(at, a, id)).executed, true, "two of three");
  });

  test("add and remove writers; a removed one anchors nothing", async () => {
    await assert.rejects(anchor(target(5), { by: b }), refused("not-a-writer"));
    assert.equal(await decide({ kind: "add-writer", member: b.address, account: b.address }), true);
    await anchor(target(5), { by: b });
    assert.equal(await decide({ kind: "remove-writer", account: b.address }), true);
    await assert.rejects(anchor(target(6), { by: b }), refused("not-a-writer"));
    await anchor(target(6));
  });

  test("take all their writers along when they go, and nobody else's", async () => {
    const second = await fundedAccount(chain, "second writer of a");
    await decide({ kind: "add-writer", member: a.address, account: second.address });
    await decide({ kind: "add-writer", member: b.address, account: b.address });
    const { id } = await proposeAction(at, b, { kind: "remove-member", member: a.address });
    await approveProposal(at, c, id);
    const { members, writers } = await readConsortium(at);
    assert.deepEqual(members, [c.address, b.address]);
    assert.deepEqual(writers, [{ member: b.address, account: b.address }]);
    for (const by of [writer, second]) await assert.rejects(anchor(target(5), { by }), refused("not-a-writer"));
    await anchor(target(5), { by: b });
  });

  test("are never gone altogether", async () => {
    const alone = await deploy({ members: [a.address], writers: [] });
    await assert.rejects(proposeAction(alone, a, { kind: "remove-member", member: a.address }), refused("LastMember"));
    const renounce = encodeOther("renounceRole(bytes32,address)", [roleOf("MEMBER_ROLE"), a.address]);
    await assert.rejects(send(a, renounce, alone), refused("LastMember"));
    await assert.rejects(deploy({ members: [], writers: [] }), refused("LastMember"));
  });

  test("cannot be got around: no role is granted and no list is changed by a call", async () => {
    const writerRole = roleOf("WRITER_ROLE");
    for (const by of [a, writer]) {
      const grant = encodeOther("grantRole(bytes32,address)", [writerRole, stranger.address]);
      const revoke = encodeOther("revokeRole(bytes32,address)", [writerRole, writer.address]);
      for (const data of [grant, revoke]) await assert.rejects(send(by, data), { code: "POLICY_LEDGER" });
      const key = keyCoordinates(log);
      const calls = [
        encodeCall("addMember", [stranger.address]),
        encodeCall("removeMember", [b.address]),
        encodeCall("addWriter", [a.address, stranger.address]),
        encodeCall("removeWriter", [writer.address]),
        encodeCall("setLogKey", [origin, key.x, key.y]),
      ];
      for (const data of calls) await assert.rejects(send(by, data), refused("OnlyByApproval"));
    }
  });

  test("cannot decide what makes no sense", async () => {
    const senseless: ConsortiumAction[] = [
      { kind: "add-member", member: b.address },
      { kind: "add-member", member: zeroAddress },
      { kind: "remove-member", member: stranger.address },
      { kind: "add-writer", member: stranger.address, account: stranger.address },
      { kind: "add-writer", member: b.address, account: writer.address },
      { kind: "add-writer", member: b.address, account: zeroAddress },
      { kind: "remove-writer", account: stranger.address },
    ];
    for (const action of senseless) await assert.rejects(decide(action), refused("InvalidAccount"), action.kind);
    const key = { x: toHex(rootOf(1)), y: toHex(rootOf(2)) };
    await assert.rejects(decide({ kind: "set-log-key", origin, key }), refused("InvalidKey"));
  });

  test("a writer can give itself up", async () => {
    await resignRole(at, writer, "writer");
    assert.deepEqual((await readConsortium(at)).writers, []);
    await assert.rejects(resignRole(at, writer, "writer"), refused("not-a-writer"));
    await assert.rejects(anchor(target(5)), refused("not-a-writer"));
  });
});

describe("a contract that replaces another", () => {
  test("has its members, writers and logs, and goes on from where each log stood", async () => {
    await anchor(target(5));
    const { url, chainId } = chain;
    const { contract } = await deployContract({ url, chainId, account: b, replaces: at.contract });
    const next = await connect({ url, chainId, contract });
    assert.equal(await readContract(next, "predecessor", []), at.contract);
    assert.deepEqual(await readConsortium(next), await readConsortium(at));
    assert.deepEqual(await readContract(next, "latest", [originHash(origin)]), [5n, toHex(rootOf(5))]);
    await assert.rejects(anchor({ ...target(5), rootHash: rootOf(6) }, { on: next }), superseded);
    const forOld = encodeAnchorMessage(at, target(6));
    await assert.rejects(anchor(target(6), { on: next, signed: forOld }), refused("log-key"));
    await anchor(target(6), { on: next });
  });
});

async function readView(name: string, types: string, args: readonly unknown[]): Promise<Hex> {
  const view = parseAbi([`function ${name}(${types}) view returns (bytes)`] as readonly string[]);
  const data = encodeFunctionData({ abi: view, functionName: name, args });
  const result = (await chain.control("eth_call", { to: at.contract, data }, "latest")) as Hex;
  return decodeFunctionResult({ abi: view, functionName: name, data: result }) as Hex;
}

function encodeOther(signature: string, args: readonly unknown[]): Hex {
  return encodeFunctionData({ abi: parseAbi([`function ${signature}`] as readonly string[]), args });
}

function roleOf(name: string): Hex {
  return keccak256(stringToHex(name));
}

test("the origin is known by its SHA-256", () => {
  assert.equal(originHash(origin), toHex(sha256(encodeUtf8(origin))));
});

for (const [hardfork, rule, most] of [
  ["osaka", "with the precompile of EIP-7951", 70_000],
  ["prague", "in Solidity alone", 310_000],
] as const) {
  test(`an anchor costs at most ${most.toLocaleString("en")} gas where P-256 is checked ${rule}`, async (t) => {
    const chainId = 7; // another chain than in the tests above: the contract must ask for its own
    const node = await startChain(["--hardfork", hardfork, "--chain-id", String(chainId)]);
    t.after(() => node.close());
    const account = await fundedAccount(node, "sole member");
    const { url } = node;
    const logs = [{ origin, publicKey: log.publicKey }];
    const { contract, gasUsed: deployment } = await deployContract({ url, chainId, account, logs });
    const on = await connect({ url, chainId, contract });
    const costs: number[] = [];
    for (const size of [1000, 2000, 3000]) costs.push((await anchor(target(size), { on, by: account })).gasUsed);
    t.diagnostic(
      `gas, ${hardfork}: first anchor ${costs[0]}, later ${costs[1]}, ${costs[2]}; deployment ${deployment}`,
    );
    assert.ok(
      costs.every((gas) => gas < most),
      String(costs),
    );
    assert.ok(deployment < 3_050_000, String(deployment)); // docs/ledgers.md states these figures
  });
}
