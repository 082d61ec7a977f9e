/** The front page: anyone drops a file and learns who signed it, when, and whether it is unchanged. Nothing is sent anywhere. */
import type { VNode } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { prepareHashing } from "../../hash/hash-file.ts";
import type { PageProps } from "../../pages.ts";
import { FileDrop } from "../../parts/file-drop.tsx";
import { Progress } from "../../parts/progress.tsx";
import { formatBytes } from "../../parts/size.ts";
import { meetNotary } from "../../verify/first-contact.ts";
import type { Link } from "../../verify/question.ts";
import { prepareVerifier } from "../../verify/verifier.ts";
import type { words as en } from "../../words/en/verify.ts";
import { Next, Result } from "./result.tsx";
import { TrustPanel } from "./trust-panel.tsx";
import { type Stage, useVerification } from "./use-verification.ts";
import "../../style/verify.scss";

export type VerifyWords = typeof en;

export function Page({ words, place }: PageProps<VerifyWords>): VNode {
  const query = place.query.toString();
  const link = useMemo(() => linkOf(new URLSearchParams(query)), [query]);
  const verification = useVerification(typeof link === "object" ? link : undefined);
  const { stage, drop, cancel, reset, repeat } = verification;
  const heading = useRef<HTMLHeadingElement>(null);
  const answer = stage.kind === "done" ? stage.answer : undefined;

  useEffect(prepare, []);
  useEffect(() => {
    if (answer !== undefined) heading.current?.focus();
  }, [answer]);

  return (
    <div class="narrow verify">
      <h1>{words.title}</h1>
      {stage.kind === "idle" && <p class="intro">{words.intro}</p>}
      {link === "bad" && <Alert tone="error" text={words.problems.link} />}
      {typeof link === "object" && stage.kind !== "done" && <LinkNotice words={words} />}
      <Live words={words} stage={stage} />
      {stage.kind === "idle" && <Idle words={words} stage={stage} onFiles={drop} />}
      {stage.kind === "hashing" && <Hashing words={words} stage={stage} onCancel={cancel} />}
      {stage.kind === "checking" && <Progress label={words.checking} share={undefined} />}
      {stage.kind === "done" && (
        <Result words={words} subject={stage.subject} answer={stage.answer} heading={heading} />
      )}
      <TrustPanel words={words.trust} {...(answer && { answer })} onChange={repeat} />
      {stage.kind === "done" && (
        <Next words={words} subject={stage.subject} answer={stage.answer} onFiles={drop} onAnother={reset} />
      )}
      {stage.kind === "idle" && <Points words={words} />}
    </div>
  );
}

/** What a certificate's link asks for: `?hash=…` or `?entry=…`. "bad" when it asks for nothing that can be. */
function linkOf(query: URLSearchParams): Link | "bad" | undefined {
  const hash = query.get("hash");
  const entry = query.get("entry");
  if (hash !== null) return /^[0-9a-fA-F]{64}$/.test(hash) ? { hash: hash.toLowerCase() } : "bad";
  if (entry !== null) return /^(0|[1-9]\d{0,15})$/.test(entry) ? { index: Number(entry) } : "bad";
  return undefined;
}

/** What must be here before the network may be gone; it does not compete with the page itself. */
function prepare(): void {
  void meetNotary();
  const later = globalThis.requestIdleCallback ?? setTimeout;
  later(() => {
    prepareHashing();
    prepareVerifier();
  });
}

interface IdleProps {
  readonly words: VerifyWords;
  readonly stage: Stage & { kind: "idle" };
  onFiles(files: readonly File[]): void;
}

function Idle({ words, stage, onFiles }: IdleProps): VNode {
  return (
    <>
      {stage.problem !== undefined && <Alert tone="error" text={words.problems[stage.problem]} />}
      {stage.cancelled === true && <Alert tone="info" text={words.cancelled} />}
      <FileDrop label={words.drop} action={words.choose} hint={words.dropHint} multiple onFiles={onFiles} />
    </>
  );
}

function Points({ words }: { readonly words: VerifyWords }): VNode {
  return (
    <ul class="points">
      {Object.values(words.points).map(({ title, text }) => (
        <li key={title}>
          <h2>{title}</h2>
          <p>{text}</p>
        </li>
      ))}
    </ul>
  );
}

function LinkNotice({ words }: { readonly words: VerifyWords }): VNode {
  return (
    <div class="usa-alert usa-alert--info">
      <div class="usa-alert__body">
        <h2 class="usa-alert__heading">{words.link.title}</h2>
        <p class="usa-alert__text">{words.link.text}</p>
      </div>
    </div>
  );
}

interface HashingProps {
  readonly words: VerifyWords;
  readonly stage: Stage & { kind: "hashing" };
  onCancel(): void;
}

function Hashing({ words, stage, onCancel }: HashingProps): VNode {
  const { name, done, size } = stage;
  return (
    <div class="working">
      <Progress
        label={words.hashing(name)}
        share={size === 0 ? 1 : done / size}
        detail={words.amount(formatBytes(done), formatBytes(size))}
      />
      <button type="button" class="usa-button usa-button--outline" onClick={onCancel}>
        {words.cancel}
      </button>
    </div>
  );
}

/** Says the verdict to who cannot see it appear. It is always there, since a live region must be before its words are. */
function Live({ words, stage }: { readonly words: VerifyWords; readonly stage: Stage }): VNode {
  return (
    <p class="usa-sr-only" role="status">
      {stage.kind === "done" ? words.verdicts.outcomes[stage.answer.outcome].title : ""}
    </p>
  );
}

function Alert({ tone, text }: { readonly tone: "error" | "info"; readonly text: string }): VNode {
  return (
    <div class={`usa-alert usa-alert--${tone} usa-alert--slim`} role="alert">
      <div class="usa-alert__body">
        <p class="usa-alert__text">{text}</p>
      </div>
    </div>
  );
}
