/** `attestry ledger`: deploys the AttestryAnchors contract and governs who may anchor. */
import { AttestryError } from "@attestry/core";
import type { ConsortiumAction, ContractAt, Decision, EvmAccount, Hex } from "@attestry/ledger/evm";
import type { Command } from "commander";
import { accountFile, openAccount } from "../anchoring.ts";
import { examples } from "../help.ts";
import {
  describeApprovals,
  describeChange,
  describeKey,
  findLog,
  type LogOptions,
  parseChange,
  parseProposalId,
  readLog,
} from "../ledger-changes.ts";
import { type Output, plain } from "../output.ts";
import { action, type Context, type ExitCode } from "../program.ts";
import { dataFolder, nodeUrl, passphraseFrom, serverUrl } from "../settings.ts";

interface Options extends LogOptions {
  readonly ledger: string;
  readonly contract: string;
  readonly key?: string;
  readonly data?: string;
  readonly replaces?: string;
  readonly member?: readonly string[];
  readonly writer?: readonly string[];
  readonly present?: string;
  readonly passphraseFile?: string;
}

type Evm = typeof import("@attestry/ledger/evm");

/** The driver takes long to load, and help should not wait for it. */
const loadEvm = (): Promise<Evm> => import("@attestry/ledger/evm");

export function configure(command: Command): void {
  command.description(
    "Deploys the contract that anchors stand in, and says who may write there. Members, writers and logs change by a " +
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

  const governing = (name: string, summary: string): Command =>
    shared(name, summary).requiredOption("--contract <address>", "the contract");

  action<Options>(governing("status", "Shows members, writers, logs and open proposals."), showStatus);

  const propose = governing("propose", "Proposes a change, and approves it for the sender's member.")
    .argument("<change>", "add-member, remove-member, add-writer, remove-writer or set-log-key")
    .argument("[address...]", "the account; for add-writer the member and the account; for set-log-key none")
    .option("--notary <url>", "set-log-key: register this notary's log, or change its key to the one that it has now")
    .option("--origin <name>", "set-log-key without --notary: the log's name")
    .option("--log-key <key>", "and its ES256 key: a PEM file, or what `attestry key list` shows")
    .addHelpText(
      "after",
      examples(
        ["attestry ledger propose add-member 0xMEMBER --ledger URL --contract 0x5FbD…", "an agency joins"],
        ["attestry ledger propose add-writer 0xMEMBER 0xACCOUNT --ledger URL --contract 0x5FbD…", "so does its notary"],
        [
          "attestry ledger propose set-log-key --notary http://127.0.0.1:8080 --ledger URL --contract 0x5FbD…",
          "a log is registered, or gets another key where the present one is lost",
        ],
      ),
    );
  action<Options>(propose, (context, options, change, addresses) =>
    proposeChange(context, options, change as string, addresses as readonly string[]),
  );

  const approve = governing("approve", "Approves another member's proposal.").argument(
    "<proposal>",
    "its id, as status shows it",
  );
  action<Options>(approve, (context, options, id) => approveChange(context, options, parseProposalId(id as string)));

  const rotate = governing("rotate-log-key", "Gives a log its next key, by a signature of the present one.")
    .requiredOption("--origin <name>", "the log's name")
    .requiredOption("--present <file>", "its present private key (keys/log-es256.pem of its notary)")
    .requiredOption("--log-key <key>", "its next ES256 key: a PEM file, or what `attestry key list` shows")
    .option("--passphrase-file <file>", "file that holds the present key's passphrase (or set ATTESTRY_PASSPHRASE)");
  action<Options>(rotate, rotateLogKey);

  const resign = governing("resign", "Gives up a role of the sender's own account; a member's writers go with it.");
  resign.argument("<role>", "member or writer");
  action<Options>(resign, (context, options, role) => resignRole(context, options, role as string));
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
    ...(options.notary === undefined ? {} : { logs: [await readLog(serverUrl(options.notary))] }),
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
  for (const { origin, size, key } of consortium.logs) {
    output.line(plain(`log       ${origin}, anchored up to ${size} entries, key ${describeKey(key)}`));
  }
  for (const proposal of consortium.proposals) {
    output.line(`proposal  ${proposal.id}: ${describeChange(proposal.action)}`);
    output.line(`          ${describeApprovals(proposal, consortium.members.length)}`);
  }
  return 0;
}

async function proposeChange(
  { output }: Context,
  options: Options,
  change: string,
  addresses: readonly string[],
): Promise<ExitCode> {
  const wanted = await parseChange(await loadEvm(), change, addresses, options);
  const { evm, at, account } = await open(options);
  return showDecision(wanted, await evm.proposeAction(at, account, wanted), output);
}

async function approveChange({ output }: Context, options: Options, id: Hex): Promise<ExitCode> {
  const { evm, at, account } = await open(options);
  const proposal = await evm.readProposal(at, id);
  return showDecision(proposal?.action, await evm.approveProposal(at, account, id), output);
}

async function rotateLogKey({ output }: Context, options: Options): Promise<ExitCode> {
  const { origin, publicKey: next } = await findLog(options);
  const { createFileSigner } = await import("@attestry/server");
  const passphrase = passphraseFrom(options.passphraseFile);
  const present = await createFileSigner(options.present ?? "", { passphrase });
  const { evm, at, account } = await open(options);
  await evm.rotateLogKey(at, account, { origin, present, next });
  const key = evm.keyCoordinates({ publicKey: next });
  output.value({ origin, key });
  output.line(plain(`From now on ${origin} signs its anchors with ${describeKey(key)}.`));
  return 0;
}

async function resignRole({ output }: Context, options: Options, role: string): Promise<ExitCode> {
  if (role !== "member" && role !== "writer")
    throw new AttestryError("USAGE", `"${plain(role)}" is no role: member and writer are.`);
  const { evm, at, account } = await open(options);
  await evm.resignRole(at, account, role);
  output.value({ account: account.address, role });
  output.line(`${account.address} is no ${role} any more.`);
  return 0;
}

function showDecision(change: ConsortiumAction | undefined, decision: Decision, output: Output): ExitCode {
  output.value({ ...decision, ...(change && { action: change }) });
  const { executed, approvals, members, id } = decision;
  output.line(
    executed
      ? `Decided and done: ${describeChange(change)}.`
      : `Proposal ${id}, ${describeChange(change)}: ${approvals} of ${members} members have approved so far.`,
  );
  return 0;
}
