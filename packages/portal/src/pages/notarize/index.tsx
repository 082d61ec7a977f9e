/** The page `notarize`: a clerk drops files, signs their thumbprints with a key that never leaves the browser, and gets the proofs. */
import { encodeBase64Url } from "@attestry/core";
import type { EnrolledIssuer } from "@attestry/core/client";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { notary } from "../../api.ts";
import type { PageProps } from "../../pages.ts";
import { Problem } from "../../parts/problem.tsx";
import { SignIn } from "../../parts/sign-in.tsx";
import { Time } from "../../parts/time.tsx";
import { useRemote } from "../../remote.ts";
import { fetchSession, type Session } from "../../session.ts";
import { meetNotary } from "../../verify/first-contact.ts";
import type { words as en } from "../../words/en/notarize.ts";
import { openDatabase } from "./database.ts";
import { Enrolment } from "./enrolment.tsx";
import { Files } from "./files.tsx";
import { type Journal, openJournal } from "./journal.ts";
import { type OwnKey, openOwnKey } from "./own-key.ts";
import "../../style/notarize.scss";

export type NotarizeWords = typeof en;

export function Page({ words }: PageProps<NotarizeWords>): VNode {
  const { value: session, problem } = useRemote(fetchSession, "session");
  return (
    <div class="narrow notarize">
      <h1>{words.title}</h1>
      <p class="intro">{words.intro}</p>
      {problem && <Problem error={problem} />}
      {!session && !problem && <p>{words.loading}</p>}
      {session &&
        (session.signedIn ? (
          <Workplace words={words} session={session} />
        ) : (
          <SignIn text={words.signIn} session={session} />
        ))}
    </div>
  );
}

interface Kept {
  readonly key: OwnKey;
  readonly journal: Journal;
}

function Workplace({ words, session }: { readonly words: NotarizeWords; readonly session: Session }): VNode | null {
  const kept = useKept();
  if (kept === undefined) return null;
  if (kept !== "none") return <Desk words={words} session={session} kept={kept} />;
  return (
    <div class="usa-alert usa-alert--error" role="alert">
      <div class="usa-alert__body">
        <p class="usa-alert__text">{words.storage}</p>
      </div>
    </div>
  );
}

interface DeskProps {
  readonly words: NotarizeWords;
  readonly session: Session;
  readonly kept: Kept;
}

function Desk({ words, session, kept: { key, journal } }: DeskProps): VNode {
  const [looks, setLooks] = useState(0);
  const { value, problem } = useRemote(() => findIssuer(encodeBase64Url(key.thumbprint)), `${looks}`);
  const last = useRef(value);
  last.current = value ?? last.current; // what was known stays in its place while it is looked up again
  const found = last.current;
  const issuer = found?.issuer;
  const active = issuer?.revokedAt === undefined ? issuer : undefined;
  return (
    <>
      {problem && <Problem error={problem} />}
      {issuer?.revokedAt !== undefined && <Ended words={words.enrolment} issuer={issuer} />}
      {found && issuer === undefined && (
        <Enrolment
          words={words.enrolment}
          session={session}
          ownKey={key}
          onChange={() => setLooks((count) => count + 1)}
        />
      )}
      {found && <Files words={words.files} ownKey={key} issuer={active} journal={journal} session={session} />}
    </>
  );
}

function Ended({
  words,
  issuer,
}: {
  readonly words: NotarizeWords["enrolment"];
  readonly issuer: EnrolledIssuer;
}): VNode {
  return (
    <div class="usa-alert usa-alert--warning">
      <div class="usa-alert__body">
        <p class="usa-alert__text">
          {words.revoked} <Time at={issuer.revokedAt ?? ""} />. {words.reason}: {issuer.reason}
        </p>
      </div>
    </div>
  );
}

/** The key and the journal of this device; "none" when the browser keeps nothing. */
function useKept(): Kept | "none" | undefined {
  const [kept, setKept] = useState<Kept | "none">();
  useEffect(() => {
    opened ??= open();
    opened.then(setKept, () => {
      opened = undefined; // the next visit tries again
      setKept("none");
    });
  }, []);
  return kept;
}

/** Of this tab: what goes on while other pages are open works with them as well. */
let opened: Promise<Kept> | undefined;

async function open(): Promise<Kept> {
  const database = await openDatabase();
  await meetNotary(); // receipts are held against the keys that are noted now
  return { key: await openOwnKey(database), journal: openJournal(database) };
}

/** How the key is enrolled; `issuer` is undefined when it is not. */
async function findIssuer(id: string): Promise<{ readonly issuer: EnrolledIssuer | undefined }> {
  return { issuer: (await notary.listIssuers()).find((issuer) => issuer.id === id) };
}
