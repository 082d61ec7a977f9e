/** What came of a verification: the verdict, who, when and where, and every check; and what can be done next. */
import { encodeHex, type LaterStatement } from "@attestry/core";
import type { Ref, VNode } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { Checks } from "../../parts/checks.tsx";
import { Facts } from "../../parts/facts.tsx";
import { FileDrop } from "../../parts/file-drop.tsx";
import { Hash } from "../../parts/hash.tsx";
import { Icon } from "../../parts/icons.tsx";
import { formatBytes } from "../../parts/size.ts";
import { Time } from "../../parts/time.tsx";
import { Verdict } from "../../parts/verdict.tsx";
import type { Answer, Outcome } from "../../verify/question.ts";
import type { VerifyWords } from "./index.tsx";
import type { Subject } from "./use-verification.ts";

export interface ResultProps {
  readonly words: VerifyWords;
  readonly subject: Subject;
  readonly answer: Answer;
  /** Takes the focus. */
  readonly heading: Ref<HTMLHeadingElement>;
}

/** Where the facts are not of this file, or not proven, they must not look as if they were. */
const captions: { readonly [outcome in Outcome]?: "ofProof" | "claims" } = {
  altered: "ofProof",
  other_file: "ofProof",
  untrusted: "claims",
  invalid: "claims",
};

export function Result({ words, subject, answer, heading }: ResultProps): VNode {
  const { outcome, report, basis, record } = answer;
  const verdictWords = words.verdicts;
  return (
    <>
      <Verdict words={verdictWords} outcome={outcome} heading={heading}>
        <Beside words={words} answer={answer} />
      </Verdict>
      <Warnings words={words} answer={answer} />
      {report?.statement !== undefined && (
        <>
          {captions[outcome] !== undefined && <h3>{verdictWords.facts[captions[outcome]]}</h3>}
          <Facts words={verdictWords.facts} report={report} record={record} />
        </>
      )}
      <Compared words={words} subject={subject} answer={answer} />
      {report !== undefined && (
        <details class="panel">
          <summary>
            <h2>{verdictWords.checks.heading(report.checks.length)}</h2>
            <Icon name="chevron" />
          </summary>
          <Checks words={verdictWords.checks} checks={report.checks} basis={basis} />
        </details>
      )}
    </>
  );
}

/** Proofs whose failing is told; that a good one could not be held against the newest statements is told beside it. */
function Beside({ words, answer }: Pick<ResultProps, "words" | "answer">): VNode {
  const { outcome, reason, contact, ended, ownEntry, report, others = [] } = answer;
  const isOpen = report?.checks.some(({ name, status }) => name === "later" && status === "unknown") === true;
  const isTold = ["verified", "registered", "issuer_revoked", "incomplete"].includes(outcome);
  return (
    <>
      {reason !== undefined && outcome !== "registered" && (
        <p class="verdict__reason">{words.verdicts.checks[reason.status][reason.name]}</p>
      )}
      {ended !== undefined && (
        <p>
          {words.ended} <Time at={ended.at} />. {words.verdicts.facts.reason}: {ended.reason}
        </p>
      )}
      {report?.later.map((later) => (
        <Later key={later.index} words={words} later={later} signer={report.statement?.issuer} />
      ))}
      {others.length > 0 && <p>{words.others(others.join(", "))}</p>}
      {ownEntry !== undefined && (
        <p>
          <a href={`/entry/${ownEntry}`}>{words.ownEntry}</a>
        </p>
      )}
      {isTold && isOpen && contact !== "reached" && <p class="verdict__caution">{words.cautions[contact]}</p>}
    </>
  );
}

interface LaterProps {
  readonly words: VerifyWords;
  readonly later: LaterStatement;
  readonly signer: string | undefined;
}

/** By whom, when and why it was replaced or taken back. */
function Later({ words, later: { kind, issuer, issuedAt, reason, index }, signer }: LaterProps): VNode {
  const { facts } = words.verdicts;
  return (
    <p>
      {facts.later[kind]} {issuer === signer ? facts.later.self : issuer}, <Time at={issuedAt} />. {facts.reason}:{" "}
      <strong>{reason}</strong>
      <br />
      <a href={`/entry/${index}`}>{facts.later.show}</a>
    </p>
  );
}

function Warnings({ words, answer: { warnings } }: Pick<ResultProps, "words" | "answer">): VNode {
  return (
    <>
      {warnings.map((warning) => (
        <div key={warning} class="usa-alert usa-alert--error" role="alert">
          <div class="usa-alert__body">
            <p class="usa-alert__text">{words.cautions[warning]}</p>
          </div>
        </div>
      ))}
    </>
  );
}

/** What was held against what: names, size, thumbprints. */
function Compared({
  words,
  subject: { file, proof },
  answer,
}: Pick<ResultProps, "words" | "subject" | "answer">): VNode | null {
  const signed = answer.report?.statement && encodeHex(answer.report.statement.digest);
  const { facts } = words.verdicts;
  if (file === undefined && proof === undefined && signed === undefined) return null;
  return (
    <dl class="compared">
      {file !== undefined && (
        <>
          <dt>{words.file}</dt>
          <dd>
            {file.name} <span class="compared__size">({formatBytes(file.size)})</span>
          </dd>
        </>
      )}
      {answer.report !== undefined && (
        <>
          <dt>{words.proofFile}</dt>
          <dd>{proof?.name ?? words.proofFromNotary}</dd>
        </>
      )}
      {file !== undefined && (
        <>
          <dt>{facts.thumbprint}</dt>
          <dd>
            <Hash hex={file.hash} />
          </dd>
        </>
      )}
      {signed !== undefined && signed !== file?.hash && (
        <>
          <dt>{facts.thumbprintSigned}</dt>
          <dd>
            <Hash hex={signed} />
          </dd>
        </>
      )}
    </dl>
  );
}

export interface NextProps extends Omit<ResultProps, "heading"> {
  onFiles(files: readonly File[]): void;
  /** Begins anew. */
  onAnother(): void;
}

/** What can be done now: add what is missing, check another file, keep the proof. */
export function Next({ words, subject, answer, onFiles, onAnother }: NextProps): VNode {
  const { file, proof, link } = subject;
  const waitsForFile = file === undefined && answer.report !== undefined && answer.report.verdict !== "invalid";
  const waitsForProof = proof === undefined && file !== undefined && answer.report === undefined;
  const more = words.dropMore;
  const name = `${file?.name ?? (link !== undefined && "index" in link ? `entry-${link.index}` : "file")}.proof`;
  return (
    <div class="next">
      <FileDrop
        label={waitsForFile ? more.file : waitsForProof ? more.proof : more.again}
        action={words.choose}
        multiple
        compact={!waitsForFile}
        onFiles={onFiles}
      />
      <div class="next__buttons">
        {answer.proof !== undefined && proof === undefined && (
          <Download words={words} bytes={answer.proof} name={name} />
        )}
        <button type="button" class="usa-button usa-button--outline" onClick={onAnother}>
          {words.another}
        </button>
      </div>
    </div>
  );
}

interface DownloadProps {
  readonly words: VerifyWords;
  readonly bytes: Uint8Array;
  readonly name: string;
}

function Download({ words, bytes, name }: DownloadProps): VNode {
  const url = useMemo(() => URL.createObjectURL(new Blob([bytes as BlobPart], { type: "application/cose" })), [bytes]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  return (
    <a class="usa-button" href={url} download={name}>
      {words.download}
    </a>
  );
}
