/** What a page asks the notary for, and how that stands. */
import { AttestryError, isAttestryError } from "@attestry/core";
import { useEffect, useState } from "preact/hooks";

export interface Remote<T> {
  /** The newest answer; it stays when a later question fails. */
  readonly value: T | undefined;
  /** Why the last question failed. */
  readonly problem: AttestryError | undefined;
  /** When the answer came, milliseconds of Unix time. */
  readonly at: number | undefined;
}

const nothing = { value: undefined, problem: undefined, at: undefined } as const;

/**
 * Asks when the page opens and whenever `key`, which names the question, changes.
 * @param every milliseconds until it asks again; undefined: it does not. A page that nobody sees asks nothing.
 */
export function useRemote<T>(load: () => Promise<T>, key: string, every?: number): Remote<T> {
  const [state, setState] = useState<Remote<T> & { readonly key: string }>({ ...nothing, key });

  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for what `load` closes over
  useEffect(() => {
    let gone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        const value = await load();
        if (!gone) setState({ value, problem: undefined, at: Date.now(), key });
      } catch (error) {
        const problem = isAttestryError(error)
          ? error
          : new AttestryError("FATAL_INTERNAL", undefined, { cause: error });
        if (!gone) setState((last) => ({ ...(last.key === key ? last : nothing), problem, key }));
      }
      if (!gone && every !== undefined) timer = setTimeout(askWhenSeen, every);
    };
    const askWhenSeen = (): void => {
      if (document.visibilityState === "visible") void ask();
      else document.addEventListener("visibilitychange", askWhenSeen, { once: true });
    };
    void ask();
    return () => {
      gone = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", askWhenSeen);
    };
  }, [key, every]);

  return state.key === key ? state : nothing;
}
