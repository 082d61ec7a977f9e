/** What a page for the agency's staff shows to who is not signed in. */
import type { VNode } from "preact";
import type { Session } from "../session.ts";
import { useShell } from "../shell.ts";

/** @param text whom the page is for, and who needs no account */
export function SignIn({ text, session }: { readonly text: string; readonly session: Session }): VNode {
  const { words } = useShell();
  const to = encodeURIComponent(location.pathname + location.search);
  return (
    <section aria-labelledby="sign-in">
      <h2 id="sign-in">{words.signIn.heading}</h2>
      <p>{text}</p>
      {session.providers.map(({ id, label, path }) => (
        <p key={id}>
          <a class="usa-button" href={`${path}?to=${to}`}>
            {words.signIn.with(label)}
          </a>
        </p>
      ))}
      <p>{words.signIn.local}</p>
    </section>
  );
}
