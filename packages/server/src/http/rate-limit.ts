/** Token buckets, one a client: each client may spend so much at once and earns so much a second. */
import { isIPv6 } from "node:net";
import { AttestryError } from "@attestry/core";

export interface RateLimit {
  /** Tokens earned a second. */
  readonly perSecond: number;
  /** Tokens that a client can have at most. */
  readonly burst: number;
}

export interface RateLimiter {
  /**
   * Takes `cost` tokens from the client's bucket. One that asks for more than a full bucket empties it and is let through, or it
   * could never pass.
   * @throws POLICY_RATE with `retryAfter` seconds
   */
  take(client: string, cost: number): void;
}

/** Clients that are remembered at most. Those not seen for longest are forgotten, which fills their bucket. */
const maxClients = 10_000;

interface Bucket {
  tokens: number;
  at: number;
}

/** @param now milliseconds of a clock that never goes back */
export function createRateLimiter(limit: RateLimit, now: () => number = () => performance.now()): RateLimiter {
  const buckets = new Map<string, Bucket>();
  return {
    take(client: string, cost: number): void {
      const key = networkOf(client);
      const at = now();
      const bucket = buckets.get(key) ?? { tokens: limit.burst, at };
      bucket.tokens = Math.min(limit.burst, bucket.tokens + ((at - bucket.at) / 1000) * limit.perSecond);
      bucket.at = at;
      buckets.delete(key); // and set again: a Map keeps the order of setting, so the first is the one not seen for longest
      buckets.set(key, bucket);
      if (buckets.size > maxClients) buckets.delete(buckets.keys().next().value as string);
      const needed = Math.min(cost, limit.burst);
      if (bucket.tokens < needed) {
        const retryAfter = Math.ceil((needed - bucket.tokens) / limit.perSecond);
        throw new AttestryError("POLICY_RATE", undefined, { data: { retryAfter } });
      }
      bucket.tokens -= needed;
    },
  };
}

/** One customer commonly has a whole IPv6 /64, so that is what counts as one client. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith("::ffff:")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  while (groups.length + after.length < 8) groups.push("0");
  return [...groups, ...after].slice(0, 4).join(":");
}
