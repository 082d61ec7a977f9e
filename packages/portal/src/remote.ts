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

  const ask = async (isWanted: () => boolean): Promise<void> => {
    try {
      const value = await load();
      if (isWanted()) setState({ value, problem: undefined, at: Date.now(), key });
    } catch (error) {
      const problem = isAttestryError(error) ? error : new AttestryError("FATAL_INTERNAL", undefined, { cause: error });
      if (isWanted()) setState((last) => ({ ...(last.key === key ? last : nothing), problem, key }));
    }
  };

  useEffect(() => {
    let wanted = true;
    void ask(() => wanted);
    return () => {
      wanted = false;
    };
  }, [key]);

  useEffect(() => {
    if (every === undefined) return;
    let wanted = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = (): void => {
      timer = setTimeout(again, every);
    };
    const again = async (): Promise<void> => {
      if (document.visibilityState === "visible") await ask(() => wanted);
      if (wanted) wait();
    };
    wait();
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [key, every]);

  return state.key === key ? state : nothing;
}
