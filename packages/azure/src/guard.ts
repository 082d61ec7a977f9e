/** What every call to a service goes through: not after closing, within the patience, and with our errors. */
import { AttestryError, isAttestryError } from "@attestry/core";
import { defaultPatience, refusedStorage } from "./account.ts";

export interface Guard {
  /** Wraps a call. It is given the signal that ends its requests when they take too long. */
  <A extends readonly unknown[], T>(act: (signal: AbortSignal, ...args: A) => Promise<T>): (...args: A) => Promise<T>;
  close(): void;
}

export function createGuard(service: string, patience: number = defaultPatience): Guard {
  let closed = false;
  const guard = <A extends readonly unknown[], T>(act: (signal: AbortSignal, ...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      if (closed) throw new AttestryError("UNAVAILABLE_STORAGE", "The object store is closed.");
      try {
        return await act(AbortSignal.timeout(patience), ...args);
      } catch (error) {
        if (isAttestryError(error) || error instanceof TypeError) throw error;
        throw refusedStorage(service, error);
      }
    };
  };
  return Object.assign(guard, {
    close: () => {
      closed = true;
    },
  });
}
