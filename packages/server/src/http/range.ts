/** The Range header (RFC 9110 §14.2) for one range of bytes; several at once are answered with the whole, as §14.2 allows. */

export interface ByteRange {
  readonly start: number;
  /** Not included. */
  readonly end: number;
}

/** Undefined: the whole, as without the header. "unsatisfiable": 416 (§15.5.17). */
export function parseRange(header: string | undefined, size: number): ByteRange | "unsatisfiable" | undefined {
  const match = /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/.exec(header?.replaceAll(/[\t ]/g, "") ?? "");
  if (match === null) return undefined;
  const [, first, last, suffix] = match;
  if (first === undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === "" || last === undefined ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < start) return undefined; // §14.1.1: invalid, so it is as if it were not there
  return start < size ? { start, end } : "unsatisfiable";
}
