/**
 * Audits of the notary's own data, run from the notary while it serves: one at a time, each recorded as an administrative action
 * before it begins and when it has ended, and the last one's report kept in the data folder.
 */
import { type ChildProcess, fork } from "node:child_process";
import { encodeHex, encodeUtf8, sha256 } from "@attestry/core";
import type { Logger } from "pino";
import type { ActionLog } from "../access/record-action.ts";
import type { Principal } from "../access/roles.ts";
import { replacePrivateFile } from "../keys/private-file.ts";
import type { AuditMessage, AuditProgress, AuditTask } from "./process.ts";
import { type AuditReport, readReport } from "./report.ts";

export interface AuditState {
  /** The one under way. */
  readonly running?: AuditProgress & { readonly startedAt: string; readonly by: string };
  /** The last one that ended; absent when none ever did. */
  readonly last?: AuditReport;
}

export interface Auditing {
  state(): AuditState;
  /** Begins one, unless one is under way. In the log when it resolves. @throws as `ActionLog.record` */
  start(who: Principal): Promise<AuditState>;
  /** Gives up the one under way: it leaves no report. */
  close(): Promise<void>;
}

export interface AuditingParts {
  readonly task: AuditTask;
  /** Where the last report is kept. */
  readonly path: string;
  readonly actions: ActionLog;
  /** Whole seconds of Unix time. */
  readonly now: () => number;
  readonly logger: Logger;
}

export function openAuditing({ task, path, actions, now, logger }: AuditingParts): Auditing {
  let last = readReport(path);
  let running: AuditState["running"];
  let child: ChildProcess | undefined;
  let beginning: Promise<void> | undefined;
  let ending: Promise<void> = Promise.resolve();
  let closed = false;
  const time = (): string => new Date(now() * 1000).toISOString();

  async function begin(who: Principal): Promise<void> {
    await actions.record(who, "audit-started", {});
    if (closed) return;
    running = { startedAt: time(), by: who.name, entries: 0, total: 0, objects: 0, findings: 0 };
    child = startProcess();
    ending = follow(child, who, running.startedAt).finally(() => {
      running = undefined;
    });
    child.send(task);
  }

  function startProcess(): ChildProcess {
    const process = fork(new URL("./process.ts", import.meta.url), {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      execArgv: [],
      serialization: "advanced",
    });
    process.stderr?.on("data", (text: Buffer) => logger.error({ text: String(text) }, "audit"));
    return process;
  }

  async function follow(child: ChildProcess, who: Principal, startedAt: string): Promise<void> {
    const named: AuditReport["named"][number][] = [];
    let end: Pick<AuditReport, "scope" | "problem"> & Partial<Pick<AuditReport, "limits" | "findings">> = {
      problem: { code: "FATAL_INTERNAL", message: "The audit was cut short." },
    };
    child.on("message", (message: AuditMessage) => {
      if ("finding" in message) named.push(message.finding);
      else if ("progress" in message) running = { startedAt, by: who.name, ...message.progress };
      else end = "ended" in message ? message.ended : message;
    });
    child.once("error", (error) => logger.error({ err: error }, "the audit's process failed"));
    await new Promise((resolve) => child.once("close", resolve));
    if (closed) return;
    const findings = Math.max(running?.findings ?? 0, named.length);
    await keep(who, { startedAt, endedAt: time(), by: who.name, findings, limits: [], ...end, named });
  }

  /** The report's hash is in the log, so that nobody can put a better one in its place. */
  async function keep(who: Principal, report: AuditReport): Promise<void> {
    const content = JSON.stringify(report);
    const { findings, problem } = report;
    last = report;
    logger.info({ findings, problem: problem?.code, by: who.name }, "audit ended");
    try {
      await replacePrivateFile(path, content);
      const facts = { findings, problem: problem?.code ?? null, report: encodeHex(sha256(encodeUtf8(content))) };
      await actions.record(who, "audit-ended", facts);
    } catch (error) {
      logger.error({ err: error }, "the audit's report could not be kept or recorded");
    }
  }

  const state = (): AuditState => ({
    ...(running === undefined ? {} : { running }),
    ...(last === undefined ? {} : { last }),
  });

  return {
    state,
    async start(who: Principal): Promise<AuditState> {
      if (running === undefined && !closed) {
        beginning ??= begin(who).finally(() => {
          beginning = undefined;
        });
        await beginning;
      }
      return state();
    },
    async close(): Promise<void> {
      closed = true;
      await beginning?.catch(() => {});
      child?.kill("SIGKILL");
      await ending;
    },
  };
}
