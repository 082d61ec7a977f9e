/**
 * The frame around the commands: finds the one that was asked for, loads that one alone, and turns how it ends into an exit
 * code: 0 done or verified, 1 a negative verdict, 2 usage, 3 cannot tell.
 */
import { AttestryError } from "@attestry/core";
import { Command, CommanderError } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { asAttestryError } from "./errors.ts";
import { tour } from "./help.ts";
import { createOutput, type Output, plain, printError, writeOut } from "./output.ts";

/** What a command is given beside its own arguments. */
export interface Context {
  readonly output: Output;
  /** Resolves at the first Ctrl-C or SIGTERM, which then no longer ends the process at once; another one, later, does. */
  untilInterrupted(): Promise<void>;
}

export type ExitCode = 0 | 1 | 2 | 3;

/** A command's file exports `configure`, which adds its arguments, options and help, and says what to run. */
export interface CommandModule {
  configure(command: Command): void;
}

interface Entry {
  readonly name: string;
  readonly alias?: string;
  readonly summary: string;
  load(): Promise<CommandModule>;
}

export const commands: readonly Entry[] = [
  { name: "up", summary: "start a notary", load: () => import("./commands/up.ts") },
  {
    name: "notarize",
    alias: "notarise",
    summary: "notarise files: write FILE.proof beside each",
    load: () => import("./commands/notarize.ts"),
  },
  { name: "verify", summary: "verify files against their proofs", load: () => import("./commands/verify.ts") },
  { name: "inspect", summary: "show what a proof file says", load: () => import("./commands/inspect.ts") },
  { name: "find", summary: "look entries up at the notary", load: () => import("./commands/find.ts") },
  { name: "revoke", summary: "revoke what was notarised, with a reason", load: () => import("./commands/revoke.ts") },
  { name: "watch", summary: "notarise files as they land in a folder", load: () => import("./commands/watch.ts") },
  { name: "key", summary: "make, import and list signing keys", load: () => import("./commands/key.ts") },
  { name: "issuer", summary: "say who may register at a notary", load: () => import("./commands/issuer.ts") },
  { name: "token", summary: "make and revoke tokens, open the portal", load: () => import("./commands/token.ts") },
  { name: "proof", summary: "refresh proof files: add what has come since", load: () => import("./commands/proof.ts") },
  { name: "status", summary: "show how a notary is", load: () => import("./commands/status.ts") },
  { name: "anchors", summary: "show where the log was anchored", load: () => import("./commands/anchors.ts") },
  { name: "ledger", summary: "deploy and govern the ledger contract", load: () => import("./commands/ledger.ts") },
  { name: "witness", summary: "run a witness that cosigns checkpoints", load: () => import("./commands/witness.ts") },
  { name: "vault", summary: "list, get, hold and erase stored records", load: () => import("./commands/vault.ts") },
  { name: "custody", summary: "show who did what to a record", load: () => import("./commands/custody.ts") },
  { name: "audit", summary: "check a notary's every stored record", load: () => import("./commands/audit.ts") },
];

let running = createOutput(false);
let onInterrupt: (() => void) | undefined;
let interruptedAt = 0;

/** Runs the command line and ends the process. */
export async function main(args: readonly string[]): Promise<never> {
  running = createOutput(args.includes("--json"));
  process.stderr.on("error", () => {}); // nobody reads it any more: the work still goes on
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupt(signal));
  process.on("uncaughtException", (error) => process.exit(report(error)));
  process.exit(await run(args));
}

async function run(args: readonly string[]): Promise<number> {
  try {
    const name = args.find((arg) => !arg.startsWith("-"));
    if (args.length === 0) return await run(["--help"]);
    if (args[0] === "help") return await run([...args.slice(1), "--help"]);
    const entry = commands.find((command) => command.name === name || (name !== undefined && command.alias === name));
    const program = createProgram();
    for (const command of commands) if (command !== entry) program.command(command.name).summary(command.summary);
    if (entry !== undefined) await addCommand(program, entry);
    const { command, unknown } = named(program, args);
    const given = unknown ? args.filter((arg) => !isHelp(arg)) : idsLast(command, args);
    await program.parseAsync(given, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    return report(thrown);
  }
}

/** The command that `args` name, or where they name one that there is not: that has no help, and who asks for it is told. */
function named(program: Command, args: readonly string[]): { command: Command; unknown: boolean } {
  let command = program;
  for (const name of args.filter((arg) => !arg.startsWith("-"))) {
    if (command.commands.length === 0) break;
    const next = command.commands.find((one) => one.name() === name || one.aliases().includes(name));
    if (next === undefined) return { command, unknown: true };
    command = next;
  }
  return { command, unknown: false };
}

/** One id in 64 begins with a dash (they are base64url): those that `command` takes go behind `--`, where nothing is an option. */
function idsLast(command: Command, args: readonly string[]): readonly string[] {
  if (args.includes("--") || !command.registeredArguments.some((argument) => argument.name() === "id")) return args;
  const ids = args.filter((arg, at) => {
    const isValue = command.options.some(({ required, long }) => required && long === args[at - 1]);
    return !isValue && /^-(?:[\w-]{15}|[\w-]{42})$/.test(arg); // a token's id, an issuer's
  });
  return ids.length === 0 ? args : [...args.filter((arg) => !ids.includes(arg)), "--", ...ids];
}

function isHelp(arg: string): boolean {
  return arg === "--help" || arg === "-h";
}

function createProgram(): Command {
  const program = new Command("attestry");
  program
    .version(packageJson.version, "-V, --version", "show the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut,
      writeErr: (text) => void (running.json || process.stderr.write(text)),
      outputError: (text, write) => write(text.replace(/^error: /, "attestry: ")),
    })
    .showSuggestionAfterError(true);
  program.helpInformation = () => tour(commands);
  return program;
}

async function addCommand(program: Command, entry: Entry): Promise<void> {
  const command = program.command(entry.name).summary(entry.summary).helpCommand(false);
  if (entry.alias !== undefined) command.alias(entry.alias);
  command.showHelpAfterError(`(attestry ${entry.name} --help shows how it is used)`);
  (await entry.load()).configure(command);
  for (const one of command.commands)
    one.showHelpAfterError(`(attestry ${entry.name} ${one.name()} --help shows how it is used)`);
}

/** Makes `body` what the command does: it is given the positional arguments and options, and returns the exit code. */
export function action<Options extends object>(
  command: Command,
  body: (
    context: Context,
    options: Options,
    ...positional: readonly (string | readonly string[] | undefined)[]
  ) => Promise<ExitCode>,
): void {
  command.action(async (...received: unknown[]) => {
    const positional = received.slice(0, -2) as (string | readonly string[] | undefined)[];
    process.exitCode = await body({ output: running, untilInterrupted }, command.opts<Options>(), ...positional);
  });
}

function report(thrown: unknown): number {
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return 0;
    const message = thrown.message.replace(/^error: /, "");
    // commander has told a person already
    if (running.json) printError(new AttestryError("USAGE", message), running);
    return 2;
  }
  const error = asAttestryError(thrown);
  try {
    printError(error, running);
  } catch {
    printError(error, createOutput(false)); // standard output itself cannot be written
  }
  if (process.env["ATTESTRY_DEBUG"]) process.stderr.write(`${plain(String(error.stack)).replaceAll("\ufffd", "\n")}\n`);
  return error.facts.exit;
}

function untilInterrupted(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  onInterrupt = resolve;
  // the channel of a parent that started us with one: when it closes, the parent is gone, however it went
  if (process.channel !== undefined) process.once("disconnect", resolve);
  return promise;
}

function interrupt(signal: "SIGINT" | "SIGTERM"): void {
  const now = performance.now();
  if (onInterrupt !== undefined && interruptedAt === 0) {
    interruptedAt = now;
    onInterrupt();
    // one Ctrl-C can arrive twice: from the terminal, and passed on by a parent that got it too
  } else if (now - interruptedAt > 500) process.exit(signal === "SIGINT" ? 130 : 143);
}
