/**
 * Runs a program for as long as the process that started this one lives: `node anvil-keeper.ts PROGRAM [ARGUMENT…]`, with an IPC
 * channel. The channel closes when the other end is gone, even if it was killed; the program then gets SIGTERM, and time to write.
 */
import { spawn } from "node:child_process";

const timeToWrite = 10_000;
const [program = "", ...programArguments] = process.argv.slice(2);
const child = spawn(program, programArguments, { stdio: "ignore", windowsHide: true });
child.on("spawn", () => process.send?.({ pid: child.pid }));
child.on("error", () => process.exit(127));
child.on("exit", (code) => process.exit(code ?? 1));

const stop = (): void => {
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGKILL"), timeToWrite);
};
process.on("disconnect", stop);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, stop);
