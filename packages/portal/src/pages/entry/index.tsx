/** The page `entry`: one thumbprint with its whole chain, verified here; what a certificate's QR code leads to. */
import type { VNode } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { PageProps } from "../../pages.ts";
import { Checks } from "../../parts/checks.tsx";
import { Facts } from "../../parts/facts.tsx";
import { FileDrop } from "../../parts/file-drop.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Progress } from "../../parts/progress.tsx";
import { Verdict } from "../../parts/verdict.tsx";
import { useShell } from "../../shell.ts";
import type { Answer } from "../../verify/question.ts";
import type { words as en } from "../../words/en/entry.ts";
import { Chain } from "./chain.tsx";
import { type EntryState, useEntry } from "./use-entry.ts";
import "../../style/entry.scss";

export type EntryWords = typeof en;

export function Page({ words, place }: PageProps<EntryWords>): VNode {
  const index = Number(place.parts["index"]);
  const { state, compare } = useEntry(index);
  return (
    <div class="narrow entry">
      <h1>{words.heading(index)}</h1>
      <Course words={words} state={state} />
      {state.answer && <Found words={words} index={index} state={state} answer={state.answer} onFiles={compare} />}
      {state.problem === "unreadable" && (
        <FileDrop label={words.compare} action={words.choose} compact onFiles={compare} />
      )}
    </div>
  );
}

/** What is going on, or went wrong. */
function Course({ words, state }: { readonly words: EntryWords; readonly state: EntryState }): VNode | null {
  const { answer, reading, problem } = state;
  if (reading !== undefined) return <Progress label={words.hashing(reading.name)} share={reading.share} />;
  if (problem !== undefined) return <Alert title={words[problem]} />;
  if (answer === undefined) return <Progress label={words.checking} share={undefined} />;
  if (answer.report === undefined && answer.outcome === "not_found")
    return <Alert title={words.missing.title} text={words.missing.text} />;
  return null;
}

function Alert({ title, text }: { readonly title: string; readonly text?: string }): VNode {
  return (
    <div class="usa-alert usa-alert--warning" role="alert">
      <div class="usa-alert__body">
        <h2 class="usa-alert__heading">{title}</h2>
        {text !== undefined && <p class="usa-alert__text">{text}</p>}
      </div>
    </div>
  );
}

interface FoundProps {
  readonly words: EntryWords;
  readonly index: number;
  readonly state: EntryState;
  readonly answer: Answer;
  onFiles(files: readonly File[]): void;
}

function Found({ words, index, state, answer, onFiles }: FoundProps): VNode | null {
  const { outcome, report, basis, record, proof, reason } = answer;
  const { contents, compared = false } = state;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (compared) heading.current?.focus(); // the page that was only opened keeps its focus
  }, [compared, answer]);
  if (report === undefined && outcome === "not_found") return null;
  const { verdicts } = words;
  return (
    <>
      <Verdict words={verdicts} outcome={outcome} heading={heading}>
        {reason !== undefined && reason.name !== "content" && <p>{verdicts.checks[reason.status][reason.name]}</p>}
      </Verdict>
      {report?.statement !== undefined && (
        <FileDrop
          label={compared ? words.another : words.compare}
          action={words.choose}
          {...(compared ? {} : { hint: words.compareHint })}
          compact={compared}
          onFiles={onFiles}
        />
      )}
      {report?.statement !== undefined && <Facts words={verdicts.facts} report={report} record={record} />}
      {proof !== undefined && <Downloads words={words} index={index} proof={proof} />}
      {contents !== undefined && <Chain words={words} answer={answer} contents={contents} />}
      {report !== undefined && (
        <details class="panel">
          <summary>
            <h2>{verdicts.checks.heading(report.checks.length)}</h2>
            <Icon name="chevron" />
          </summary>
          <Checks words={verdicts.checks} checks={report.checks} basis={basis} />
        </details>
      )}
    </>
  );
}

interface DownloadsProps {
  readonly words: EntryWords;
  readonly index: number;
  readonly proof: Uint8Array;
}

function Downloads({ words, index, proof }: DownloadsProps): VNode {
  const { language } = useShell();
  const url = useMemo(() => URL.createObjectURL(new Blob([proof as BlobPart], { type: "application/cose" })), [proof]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  return (
    <p class="entry__downloads">
      <a class="usa-button" href={url} download={`entry-${index}.proof`}>
        {words.proof}
      </a>
      <a class="usa-button usa-button--outline" href={`/v1/entries/${index}/certificate.pdf?lang=${language}`}>
        {words.certificate}
      </a>
    </p>
  );
}
