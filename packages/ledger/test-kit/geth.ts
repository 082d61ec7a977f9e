/** Real nodes of the geth family, for tests, where a machine has them: geth itself, and networks of GoQuorum validators. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createECDH } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { concatBytes, encodeHex } from "@attestry/core";
import { encodeExtraData } from "../../core/src/anchor/extra-data.ts";
import { encodeRlp } from "../../core/src/anchor/rlp.ts";
import { addressOf, validatorKey } from "../../core/test-kit/ledger.ts";

// In .nodes, where scripts/get-geth.sh puts geth, or wherever the environment says.
const nodes = join(import.meta.dirname, "../../../.nodes");
const geth = process.env["ATTESTRY_GETH"] ?? join(nodes, "geth");
const quorum = process.env["ATTESTRY_QUORUM"] ?? join(nodes, "quorum");

/** Why tests with such a node are skipped; `false` where they are not. */
export const noGeth: string | false = !existsSync(geth) && "there is no geth: scripts/get-geth.sh makes one";
export const noQuorum: string | false =
  !existsSync(quorum) && "there is no GoQuorum: set ATTESTRY_QUORUM to the geth of its version 24.4.1";

export interface GethNode {
  readonly url: string;
  close(): Promise<void>;
}

// No peers but those that are named, and nothing that others on the network could reach.
const alone = [
  "--nodiscover",
  "--nat",
  "none",
  "--ipcdisable",
  "--http",
  "--http.addr",
  "127.0.0.1",
  "--http.port",
  "0",
];

const forks = "homestead eip150 eip155 eip158 byzantium constantinople petersburg istanbul berlin london".split(" ");
/** All forks up to London, from the first block on. */
const forkBlocks: Readonly<Record<string, number>> = Object.fromEntries(forks.map((fork) => [`${fork}Block`, 0]));

/** The developer's chain of geth: proof of stake, a block as soon as there is something to put into it, and finalized blocks. */
export async function startGeth(): Promise<GethNode> {
  const folder = newFolder();
  const network = ["--port", "0", "--maxpeers", "0", "--authrpc.port", "0", "--http.api", "eth"];
  const node = await run(geth, ["--dev", "--datadir", folder, ...alone, ...network]);
  return { url: node.url, close: () => node.close().finally(() => remove(folder)) };
}

/** A Clique chain of one signer, the test kit's first validator, with a block a second and money on that account. */
export async function startClique(rich: string): Promise<GethNode> {
  const folder = newFolder();
  const key = validatorKey(0);
  const signer = encodeHex(addressOf(key));
  const [genesis, password, secret] = ["genesis.json", "password", "secret"].map((name) => join(folder, name));
  const forks = { ...forkBlocks, muirGlacierBlock: 0 };
  const config = { chainId: 1338, ...forks, clique: { period: 1, epoch: 30_000 } };
  const extraData = `0x${"00".repeat(32)}${signer}${"00".repeat(65)}`;
  const alloc = { [rich]: { balance: "0x8ac7230489e80000" } };
  writeFileSync(genesis ?? "", JSON.stringify({ config, extraData, difficulty: "0x1", gasLimit: "0x2fefd800", alloc }));
  writeFileSync(password ?? "", "none\n");
  writeFileSync(secret ?? "", encodeHex(key));
  const at = ["--datadir", folder, "--password", password ?? ""];
  execFileSync(geth, ["--datadir", folder, "init", genesis ?? ""], { stdio: "ignore" });
  execFileSync(geth, ["account", "import", ...at, secret ?? ""], { stdio: "ignore" });
  const mining = ["--mine", "--miner.etherbase", `0x${signer}`, "--unlock", `0x${signer}`, "--allow-insecure-unlock"];
  const network = ["--networkid", "1338", "--port", "0", "--maxpeers", "0", "--authrpc.port", "0", "--http.api", "eth"];
  const node = await run(geth, [...at, ...alone, ...network, ...mining, "--syncmode", "full"]);
  return { url: node.url, close: () => node.close().finally(() => remove(folder)) };
}

export type QuorumConsensus = "qbft" | "ibft";

export interface QuorumNetwork {
  readonly chainId: number;
  /** Addresses, 20 bytes each. */
  readonly validators: readonly Uint8Array[];
  readonly nodes: readonly GethNode[];
  close(): Promise<void>;
}

/** A network of so many GoQuorum validators, with a block a second where there is something to put into it. */
export async function startQuorum(consensus: QuorumConsensus, count: number): Promise<QuorumNetwork> {
  const chainId = 1337;
  const folder = newFolder();
  const keys = Array.from({ length: count }, (_, n) => validatorKey(n));
  const validators = keys.map(addressOf).sort((a, b) => Buffer.compare(a, b));
  const genesis = join(folder, "genesis.json");
  writeFileSync(genesis, JSON.stringify(genesisOf(consensus, chainId, validators)));
  const ports = await Promise.all(keys.map(freePort));
  const peers = keys.map((key, n) => `enode://${nodeId(key)}@127.0.0.1:${ports[n]}?discport=0`);
  const nodes = await Promise.all(
    keys.map((key, n) => {
      const data = join(folder, String(n));
      mkdirSync(data);
      execFileSync(quorum, ["--datadir", data, "init", genesis], { stdio: "ignore" });
      const config = join(data, "config.toml");
      const others = peers.filter((_, at) => at !== n).map((peer) => JSON.stringify(peer));
      const p2p = ["[Node.P2P]", `ListenAddr = "127.0.0.1:${ports[n]}"`, `StaticNodes = [${others.join(", ")}]`];
      writeFileSync(config, p2p.join("\n"));
      const mining = ["--mine", "--miner.gasprice", "0", "--syncmode", "full", "--networkid", String(chainId)];
      const args = ["--datadir", data, "--config", config, "--nodekeyhex", encodeHex(key), ...alone, ...mining];
      return run(quorum, [...args, "--http.api", "eth,istanbul,admin"], { PRIVATE_CONFIG: "ignore" });
    }),
  );
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.close()));
    remove(folder);
  };
  return { chainId, validators, nodes, close };
}

function genesisOf(consensus: QuorumConsensus, chainId: number, validators: readonly Uint8Array[]): object {
  const bft = { epochlength: 30_000, blockperiodseconds: 1, requesttimeoutseconds: 4, policy: 0, ceil2Nby3Block: 0 };
  return {
    config: {
      chainId,
      ...forkBlocks,
      isQuorum: true,
      maxCodeSizeConfig: [{ block: 0, size: 64 }],
      txnSizeLimit: 64,
      [consensus]: bft,
    },
    extraData: `0x${encodeHex(extraDataOf(consensus, validators))}`,
    mixHash: "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365",
    difficulty: "0x1",
    gasLimit: "0x2fefd800",
    nonce: "0x0",
    timestamp: "0x0",
    alloc: {},
  };
}

function extraDataOf(consensus: QuorumConsensus, validators: readonly Uint8Array[]): Uint8Array {
  const vanity = new Uint8Array(32);
  if (consensus === "qbft") return encodeExtraData({ vanity, validators, round: 0, seals: [] }, "qbft");
  return concatBytes(vanity, encodeRlp([validators, new Uint8Array(), []]));
}

/** Resolves when the node says where it listens. */
async function run(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<GethNode> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...env } });
  const said: string[] = [];
  const close = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  for await (const line of linesOf(child)) {
    said.push(line);
    const endpoint = /HTTP server started\s.*endpoint=(?:http:\/\/)?([0-9.:]+)/.exec(line)?.[1];
    if (endpoint === undefined) continue;
    child.stderr?.resume();
    return { url: `http://${endpoint}`, close };
  }
  throw new Error(`${program} does not start: ${said.slice(-5).join("\n")}`);
}

async function* linesOf(child: ChildProcess): AsyncGenerator<string> {
  if (child.stderr === null) return;
  yield* createInterface({ input: child.stderr });
}

/** The uncompressed public key without its first byte. */
function nodeId(key: Uint8Array): string {
  const curve = createECDH("secp256k1");
  curve.setPrivateKey(key);
  return encodeHex(curve.getPublicKey().subarray(1));
}

const newFolder = (): string => mkdtempSync(join(tmpdir(), "attestry-geth-"));
const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
