/** `attestry ledger`: deploys the AttestryAnchors contract and governs who may anchor. */
import { AttestryError, type parseCoseKey } from "@attestry/core";
import type { ConsortiumAction, ContractAt, Decision, EvmAccount, Hex } from "@attestry/ledger/evm";
import type { Command } from "commander";
import { accountFile, openAccount } from "../anchoring.ts";
import { examples } from "../help.ts";
import { type Output, plain } from "../output.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { dataFolder, nodeUrl, serverUrl } from "../settings.ts";

interface Options {
  readonly ledger: string;
  readonly contract: string;
  readonly key?: string;
  readonly data?: string;
  readonly notary?: string;
  readonly replaces?: string;
  readonly member?: readonly string[];
  readonly writer?: readonly string[];
}

type Evm = typeof import("@attestry/ledger/evm");

/** The driver takes long to load, and help should not wait for it. */
const loadEvm = (): Promise<Evm> => import("@attestry/ledger/evm");

export function configure(command: Command): void {
  command.description(
    "Deploys the contract that anchors stand in, and says who may write there. Adding or removing a member or a writer takes a " +
      "majority of the members: one proposes, others approve. More in docs/ledgers.md.",
  );
  const account = command
    .command("account")
    .summary("Shows the address of the account that sends, and makes its key where there is none.")
    .description(
      "Shows the address of the account that sends, to be given money (where the chain asks for it) and made a writer. Its key is " +
        "made where there is none.",
    )
    .option("--key <file>", "its key (default: keys/ledger.key in the data folder)")
    .option("--data <dir>", "data folder (default: $ATTESTRY_DATA or ~/.attestry)")
    .option("--json", "print one JSON object");
  action<Options>(account, showAccount);

  const shared = (name: string, summary: string): Command =>
    command
      .command(name)
      .summary(summary)
      .description(summary)
      .requiredOption("--ledger <url>", "a node of the ledger (JSON-RPC)")
      .option("--key <file>", "key of the account that sends (default: keys/ledger.key in the data folder)")
      .option("--data <dir>", "data folder (default: $ATTESTRY_DATA or ~/.attestry)")
      .option("--json", "print one JSON object");

  const deploy = shared("deploy", "Deploys the contract, as a first one or in the place of another.")
    .option("--notary <url>", "register this notary's log and its key in the contract")
    .option("--member <address...>", "the first members (default: those of the replaced contract, or the sender)")
    .option("--writer <member=account...>", "accounts that anchor, and whose they are (default: the sender)")
    .option("--replaces <address>", "go on from this contract's logs, members and writers")
    .addHelpText(
      "after",
      examples([
        "attestry ledger deploy --ledger http://127.0.0.1:8545 --notary http://127.0.0.1:8080",
        "prints the contract's address for attestry up --contract",
      ]),
    );
  action<Options>(deploy, deployContract);

  const status = shared("status", "Shows members, writers, logs and open proposals.").requiredOption(
    "--contract <address>",
    "the contract",
  );
  action<Options>(status, showStatus);

  const propose = shared("propose", "Proposes a change, and approves it for the sender's member.")
    .requiredOption("--contract <address>", "the contract")
    .argument("<change>", "add-member, remove-member, add-writer or remove-writer")
    .argument("<address...>", "the account; for add-writer the member and the account");
  action<Options>(propose, (context, options, change, addresses) =>
    proposeChange(context, options, change as string, addresses as readonly string[]),
  );

  const approve = shared("approve", "Approves another member's proposal.")
    .requiredOption("--contract <address>", "the contract")
    .argument("<proposal>", "its id, as status shows it");
  action<Options>(approve, async (context, options, id) => {
    const { evm, at, account } = await open(options);
    return showDecision(await evm.approveProposal(at, account, asHex(id as string)), context.output);
  });
}

async function open(options: Options): Promise<{ evm: Evm; at: ContractAt; account: EvmAccount }> {
  const [evm, account] = [await loadEvm(), await senderOf(options)];
  const url = nodeUrl(options.ledger);
  const at = await evm.connect({ url, chainId: await evm.readChainId(url), contract: options.contract });
  return { evm, at, account };
}

function senderOf({ key, data }: Options): Promise<EvmAccount> {
  return openAccount(accountFile(key, dataFolder(data)), false);
}

async function showAccount({ output }: Context, { key, data }: Options): Promise<ExitCode> {
  const path = accountFile(key, dataFolder(data));
  const { address } = await openAccount(path, true);
  output.value({ account: address, key: path });
  output.line(address);
  return 0;
}

async function deployContract({ output }: Context, options: Options): Promise<ExitCode> {
  const [evm, account] = [await loadEvm(), await senderOf(options)];
  const url = nodeUrl(options.ledger);
  const chainId = await evm.readChainId(url);
  const deployed = await evm.deployContract({
    url,
    chainId,
    account,
    ...(options.notary === undefined ? {} : { logs: [await logOf(serverUrl(options.notary))] }),
    ...(options.member === undefined ? {} : { members: options.member }),
    ...(options.writer === undefined ? {} : { writers: options.writer.map(parseWriter) }),
    ...(options.replaces === undefined ? {} : { replaces: options.replaces }),
  });
  output.value({ chainId, ...deployed });
  output.line(
    `The contract is at ${deployed.contract} on chain ${chainId} (block ${deployed.block}, ${deployed.gasUsed} gas).`,
  );
  output.note(`Anchor there: attestry up --ledger ${url} --contract ${deployed.contract}`);
  return 0;
}

/** The log's name and receipt key, as the notary shows them. */
async function logOf(notary: string): Promise<{ origin: string; publicKey: ReturnType<typeof parseCoseKey> }> {
  const { createNotaryClient } = await import("@attestry/core/client");
  const client = createNotaryClient({ url: notary });
  const [{ origin }, publicKey] = await Promise.all([client.status(), client.receiptKey()]);
  return { origin, publicKey };
}

function parseWriter(text: string): { member: string; account: string } {
  const [member, account, ...more] = text.split("=");
  if (member && account && more.length === 0) return { member, account };
  throw new AttestryError("USAGE", `--writer takes MEMBER=ACCOUNT, not "${text}".`);
}

async function showStatus({ output }: Context, options: Options): Promise<ExitCode> {
  const evm = await loadEvm();
  const url = nodeUrl(options.ledger);
  const at = await evm.connect({ url, chainId: await evm.readChainId(url), contract: options.contract });
  const consortium = await evm.readConsortium(at);
  output.value(consortium);
  for (const member of consortium.members) output.line(`member    ${member}`);
  for (const { member, account } of consortium.writers) output.line(`writer    ${account} of ${member}`);
  for (const { origin, size } of consortium.logs)
    output.line(plain(`log       ${origin}, anchored up to ${size} entries`));
  for (const { id, action: change, approvals } of consortium.proposals) {
    output.line(
      `proposal  ${id}: ${change?.kind ?? "unknown"}, ${approvals} ${approvals === 1 ? "approval" : "approvals"}`,
    );
  }
  return 0;
}

async function proposeChange(
  { output }: Context,
  options: Options,
  change: string,
  addresses: readonly string[],
): Promise<ExitCode> {
  const wanted = parseChange(change, addresses);
  const { evm, at, account } = await open(options);
  return showDecision(await evm.proposeAction(at, account, wanted), output);
}

function parseChange(change: string, addresses: readonly string[]): ConsortiumAction {
  const [first = "", second = ""] = addresses.map(asHex);
  const wanted = change === "add-writer" ? 2 : 1;
  if (addresses.length !== wanted) {
    throw new AttestryError(
      "USAGE",
      `${change} takes ${wanted === 1 ? "one address" : "a member's address and an account's"}.`,
    );
  }
  if (change === "add-member" || change === "remove-member") return { kind: change, member: first as Hex };
  if (change === "add-writer") return { kind: change, member: first as Hex, account: second as Hex };
  if (change === "remove-writer") return { kind: change, account: first as Hex };
  throw new AttestryError(
    "USAGE",
    `"${change}" is no change; add-member, remove-member, add-writer and remove-writer are.`,
  );
}

function asHex(text: string): Hex {
  if (/^0x[0-9a-fA-F]+$/.test(text)) return text as Hex;
  throw new AttestryError("USAGE", `"${text}" is not 0x and hexadecimal digits.`);
}

function showDecision(decision: Decision, output: Output): ExitCode {
  output.value(decision);
  const { executed, approvals, members, id } = decision;
  output.line(
    executed ? "Decided and done." : `Proposal ${id}: ${approvals} of ${members} members have approved so far.`,
  );
  return 0;
}
