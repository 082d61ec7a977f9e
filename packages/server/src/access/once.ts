/** Values behind a random code that works once and not for long: one-time links, sign-ins under way. In memory, by the code's hash. */
import { hashSecret, newSecret } from "./secrets.ts";

export interface OnceStore<T> {
  /** Gives the code. When there are too many, the oldest is forgotten. */
  put(value: T): string;
  /** The code's value, the first time and in time; undefined otherwise. */
  take(code: string): T | undefined;
}

export interface OnceLimits {
  /** Seconds. */
  readonly lifetime: number;
  readonly most: number;
}

/** @param now whole seconds of Unix time */
export function createOnceStore<T>({ lifetime, most }: OnceLimits, now: () => number): OnceStore<T> {
  const kept = new Map<string, { readonly value: T; readonly until: number }>();
  return {
    put(value: T): string {
      const [oldest] = kept.keys(); // a map keeps the order in which its keys came
      if (kept.size >= most && oldest !== undefined) kept.delete(oldest);
      const code = newSecret();
      kept.set(hashSecret(code), { value, until: now() + lifetime });
      return code;
    },
    take(code: string): T | undefined {
      const key = hashSecret(code);
      const found = kept.get(key);
      kept.delete(key);
      return found !== undefined && now() < found.until ? found.value : undefined;
    },
  };
}
