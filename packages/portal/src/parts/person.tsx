/** Who is signed in, and the way out. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { change, type Session } from "../session.ts";
import { useShell } from "../shell.ts";

export function Person({ session }: { readonly session: Session }): VNode {
  const { words } = useShell();
  const [failed, setFailed] = useState(false);
  const signOut = async (): Promise<void> => {
    setFailed(false);
    try {
      const { next } = (await change(session, "/auth/logout", {})) as { next: string };
      location.assign(next); // a page of ours, or the provider's, where the person is signed out as well
    } catch {
      setFailed(true);
    }
  };
  return (
    <div class="site-header__person">
      <span>
        <span class="usa-sr-only">{words.signedInAs} </span>
        {session.name}
      </span>
      {session.csrf !== undefined && (
        <button type="button" onClick={signOut}>
          {words.signOut}
        </button>
      )}
      <p role="alert">{failed && words.signOutFailed}</p>
    </div>
  );
}
