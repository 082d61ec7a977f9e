/** The audit of all that the notary stores: run from here, with what the last one found, by record. */
import type { AuditFinding, AuditReport, AuditState } from "@attestry/core/client";
import type { VNode } from "preact";
import { useDoing } from "../../doing.ts";
import { Failure } from "../../parts/failure.tsx";
import { Hash } from "../../parts/hash.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Progress } from "../../parts/progress.tsx";
import { Rows } from "../../parts/rows.tsx";
import { formatBytes } from "../../parts/size.ts";
import { Time } from "../../parts/time.tsx";
import type { AdminWords, Office } from "./index.tsx";
import { Name, useReading } from "./parts.tsx";
import { useCount } from "./places.tsx";

type Words = AdminWords["audit"];

export function AuditSection({ office }: { readonly office: Office }): VNode {
  const words = office.words.audit;
  const { value, problem, again } = useReading(
    () => office.access.audit(),
    ({ running }) => (running === undefined ? 15_000 : 500),
  );
  const { busy, error, run } = useDoing();
  const begin = async (): Promise<void> => {
    if (await run(() => office.access.startAudit())) again();
  };
  const isRunning = value?.running !== undefined;
  return (
    <>
      <p>{words.intro}</p>
      {problem && <Failure words={office.words} error={problem} />}
      {error && <Failure words={office.words} error={error} />}
      {value && (
        <button
          type="button"
          class="usa-button"
          aria-disabled={busy || isRunning}
          onClick={isRunning ? undefined : begin}
        >
          {words.run}
        </button>
      )}
      {value && value.running === undefined && <Next words={words} next={value.next} />}
      {value?.running && <Running words={words} running={value.running} />}
      {value && <h3>{words.last}</h3>}
      {value && value.last === undefined && <p>{words.none}</p>}
      {value?.last && <Report words={words} report={value.last} />}
    </>
  );
}

function Next({ words, next }: { readonly words: Words; readonly next: string | undefined }): VNode {
  if (next === undefined) return <p>{words.noNext}</p>;
  return (
    <p>
      {words.next} <Time at={next} />.
    </p>
  );
}

interface RunningProps {
  readonly words: Words;
  readonly running: NonNullable<AuditState["running"]>;
}

function Running({ words, running }: RunningProps): VNode {
  const count = useCount();
  const { startedAt, by, entries, total, objects, findings } = running;
  const far = [words.entries(count(entries), count(total)), ...(objects > 0 ? [words.objects(count(objects))] : [])];
  return (
    <div class="running">
      <Progress
        label={words.running}
        share={total === 0 || entries === total ? undefined : entries / total}
        detail={far.join(", ")}
      />
      <p>
        {words.began} <Time at={startedAt} />, <Name text={by} />
      </p>
      {findings > 0 && <p class="mark mark--bad">{words.sofar(findings)}</p>}
    </div>
  );
}

function Report({ words, report }: { readonly words: Words; readonly report: AuditReport }): VNode {
  const count = useCount();
  const { scope, findings, named, limits, by, endedAt } = report;
  return (
    <>
      <Verdict words={words} report={report} />
      <Rows
        rows={[
          { label: words.when, value: <Time at={endedAt} /> },
          { label: words.by, value: <Name text={by} /> },
          scope && {
            label: words.scope,
            value: words.scopeEntries(count(scope.treeSize)),
            note:
              scope.vault &&
              words.scopeVault(count(scope.vault.objects), count(scope.vault.events), formatBytes(scope.vault.bytes)),
          },
          scope?.checkpointTime === undefined
            ? undefined
            : {
                label: words.checkpoint,
                value: <Time at={scope.checkpointTime} />,
                note: scope.rootHash && <Hash hex={scope.rootHash} />,
              },
        ]}
      />
      {named.length > 0 && <h3>{words.findings}</h3>}
      <Findings words={words} findings={named} />
      {findings > named.length && <p>{words.more(count(findings - named.length))}</p>}
      {limits.length > 0 && (
        <details class="ended">
          <summary>{words.limits}</summary>
          <ul lang="en">
            {limits.map((limit) => (
              <li key={limit}>{limit}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Verdict({ words, report }: { readonly words: Words; readonly report: AuditReport }): VNode {
  const count = useCount();
  const { findings, problem } = report;
  const kind = findings > 0 ? "error" : problem === undefined ? "success" : "warning";
  return (
    <div class={`usa-alert usa-alert--${kind}`} role="status">
      <div class="usa-alert__body">
        {findings > 0 && <h4 class="usa-alert__heading">{words.fails(count(findings))}</h4>}
        {problem !== undefined && (
          <>
            <h4 class="usa-alert__heading">{words.stopped}</h4>
            <p class="usa-alert__text">
              {words.stoppedText} <code>{problem.code}</code>
            </p>
          </>
        )}
        {kind === "success" && <h4 class="usa-alert__heading">{words.holds}</h4>}
      </div>
    </div>
  );
}

/** What belongs to one record stands together. */
function Findings({ words, findings }: { readonly words: Words; readonly findings: readonly AuditFinding[] }): VNode {
  const records = Map.groupBy(findings, (finding) => recordOf(finding, words));
  return (
    <ul class="listed findings">
      {[...records].map(([record, items]) => (
        <li key={record} class="listed__one">
          <div class="listed__words">
            <h4>
              <Icon name="cross" size={20} /> <Name text={record} />
            </h4>
            {items.map((finding, at) => (
              <Finding key={`${at}-${finding.message}`} words={words} finding={finding} />
            ))}
          </div>
        </li>
      ))}
    </ul>
  );
}

function Finding({ words, finding }: { readonly words: Words; readonly finding: AuditFinding }): VNode {
  const { record, problem, message, expected, found, at } = finding;
  const kinds: Partial<Record<string, string>> = words.records;
  const problems: Partial<Record<string, string>> = words.problems;
  const entry = at["entry"] ?? (record === "entry" || record === "seen" ? at["index"] : undefined);
  return (
    <div class="finding">
      <p>
        <strong>
          {kinds[record] ?? record}: {problems[problem] ?? problem}
        </strong>
      </p>
      {/* The sentence that `attestry audit` prints, which is English. */}
      <p lang="en">{message}</p>
      {(expected !== undefined || found !== undefined) && (
        <dl>
          {expected !== undefined && <Fact label={words.expected} value={expected} />}
          {found !== undefined && <Fact label={words.found} value={found} />}
        </dl>
      )}
      {typeof entry === "number" && <a href={`/entry/${entry}`}>{words.entry(String(entry))}</a>}
    </div>
  );
}

function Fact({ label, value }: { readonly label: string; readonly value: string }): VNode {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <code>{value}</code>
      </dd>
    </div>
  );
}

/** The name of the record that a finding is about, as far as it is known. */
function recordOf({ record, at }: AuditFinding, words: Words): string {
  const { subject, object, entry, index } = at;
  if (typeof subject === "string") return subject;
  if (typeof object === "string") return object;
  const number = entry ?? (record === "entry" || record === "seen" ? index : undefined);
  if (typeof number === "number") return words.entry(String(number));
  const kinds: Partial<Record<string, string>> = words.records;
  return kinds[record] ?? record;
}
