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

/** Clients in one generation of two. Who is in neither, not seen for longest, is forgotten, which fills its bucket. */
const generationSize = 5000;

interface Bucket {
  tokens: number;
  at: number;
}

/** @param now milliseconds of a clock that never goes back */
export function createRateLimiter(limit: RateLimit, now: () => number = () => performance.now()): RateLimiter {
  let recent = new Map<string, Bucket>();
  let older = new Map<string, Bucket>();

  function bucketOf(key: string, at: number): Bucket {
    const bucket = recent.get(key) ?? older.get(key) ?? { tokens: limit.burst, at };
    if (recent.size >= generationSize && !recent.has(key)) {
      older = recent;
      recent = new Map();
    }
    recent.set(key, bucket);
    return bucket;
  }

  return {
    take(client: string, cost: number): void {
      const at = now();
      const bucket = bucketOf(networkOf(client), at);
      bucket.tokens = Math.min(limit.burst, bucket.tokens + ((at - bucket.at) / 1000) * limit.perSecond);
      bucket.at = at;
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
