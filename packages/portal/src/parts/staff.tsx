/** The door of a page for staff: who may come in sees the page, others how to sign in or that their role does not open it. */
import type { VNode } from "preact";
import { useRemote } from "../remote.ts";
import { fetchSession, may, type Session } from "../session.ts";
import { Problem } from "./problem.tsx";
import { SignIn } from "./sign-in.tsx";

export interface StaffWords {
  readonly title: string;
  readonly intro: string;
  readonly loading: string;
  readonly signIn: string;
  readonly forbidden: { readonly heading: string; readonly text: string };
}

export interface StaffProps {
  readonly words: StaffWords;
  /** One of these permissions opens the page. */
  readonly needs: readonly string[];
  /** The page's own class. */
  readonly name: string;
  children(session: Session): VNode;
}

/** Behind it nothing is asked of the notary, so nothing here can tell what there is. */
export function Staff({ words, needs, name, children }: StaffProps): VNode {
  const { value: session, problem } = useRemote(fetchSession, "session");
  if (session !== undefined && may(session, ...needs)) return children(session);
  return (
    <div class={`narrow ${name}`}>
      <h1>{words.title}</h1>
      <p class="intro">{words.intro}</p>
      {problem && <Problem error={problem} />}
      {!session && !problem && <p>{words.loading}</p>}
      {session &&
        (session.signedIn ? <Forbidden words={words.forbidden} /> : <SignIn text={words.signIn} session={session} />)}
    </div>
  );
}

export function Forbidden({ words }: { readonly words: StaffWords["forbidden"] }): VNode {
  return (
    <div class="usa-alert usa-alert--info">
      <div class="usa-alert__body">
        <h2 class="usa-alert__heading">{words.heading}</h2>
        <p class="usa-alert__text">{words.text}</p>
      </div>
    </div>
  );
}
