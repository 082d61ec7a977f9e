/**
 * Audits of the notary's own data, run from the notary while it serves, by hand or by itself: one at a time, each recorded as an administrative action
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
  /** When one begins by itself, ISO 8601; absent when none does. */
  readonly next?: string;
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
  /** Seconds after the end of one in which the next begins by itself; undefined: none does. */
  readonly every?: number | undefined;
}

/** Who runs what runs by itself. No token can have this name. */
const schedule: Principal = { name: "notary (schedule)", kind: "local", roles: new Set(["auditor"]) };
/** Seconds for which a notary that has just started, or could not begin an audit, leaves it. */
const patience = 600;
/** Milliseconds: a timer cannot wait for longer than 24 days, and a clock may be set. */
const longestWait = 3_600_000;

export function openAuditing({ task, path, actions, now, logger, every }: AuditingParts): Auditing {
  let last = readReport(path);
  let running: AuditState["running"];
  let child: ChildProcess | undefined;
  let beginning: Promise<void> | undefined;
  let ending: Promise<void> = Promise.resolve();
  let closed = false;
  const toText = (seconds: number): string => new Date(seconds * 1000).toISOString();
  const time = (): string => toText(now());
  let due = every === undefined ? undefined : firstDue(last, every, now());
  let timer: ReturnType<typeof setTimeout> | undefined;

  function wait(): void {
    if (due === undefined || closed) return;
    timer = setTimeout(look, Math.min(longestWait, Math.max(0, due - now()) * 1000)).unref();
  }

  /** Whether it is time. */
  function look(): void {
    if (due === undefined) return;
    if (now() < due) {
      wait();
      return;
    }
    due = now() + patience; // until its end says better
    start(schedule)
      .catch((error: unknown) => logger.error({ err: error }, "an audit that was due could not begin"))
      .then(wait);
  }

  async function start(who: Principal): Promise<AuditState> {
    if (running === undefined && !closed) {
      beginning ??= begin(who).finally(() => {
        beginning = undefined;
      });
      await beginning;
    }
    return state();
  }

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
    if (every !== undefined) due = now() + every;
    clearTimeout(timer);
    wait();
    const told = { findings, problem: problem?.code, by: who.name };
    if (findings > 0) logger.error({ ...told, first: report.named[0]?.message }, "the audit found what does not hold");
    else if (problem !== undefined) logger.error(told, "the audit did not get to its end");
    else logger.info(told, "audit ended: all holds");
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
    ...(due === undefined ? {} : { next: toText(due) }),
  });

  wait();
  return {
    state,
    start,
    async close(): Promise<void> {
      closed = true;
      clearTimeout(timer);
      await beginning?.catch(() => {});
      child?.kill("SIGKILL");
      await ending;
    },
  };
}

/** One that was missed while the notary was down is made up for; none begins while a notary is still starting. */
function firstDue(last: AuditReport | undefined, every: number, now: number): number {
  const ended = last === undefined ? Number.NaN : Date.parse(last.endedAt) / 1000;
  return Math.max(now + patience, Number.isNaN(ended) ? 0 : Math.min(ended, now) + every);
}
