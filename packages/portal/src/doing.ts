/** What a page asks the notary to do, and what became of it. */
import { AttestryError, isAttestryError } from "@attestry/core";
import { useState } from "preact/hooks";

export interface Doing {
  readonly busy: boolean;
  readonly error: AttestryError | undefined;
  /** Resolves to whether it was done. */
  run(act: () => Promise<unknown>): Promise<boolean>;
}

export function useDoing(): Doing {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<AttestryError>();
  return {
    busy,
    error,
    async run(act): Promise<boolean> {
      setBusy(true);
      setError(undefined);
      try {
        await act();
        return true;
      } catch (cause) {
        setError(isAttestryError(cause) ? cause : new AttestryError("FATAL_INTERNAL", undefined, { cause }));
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}
