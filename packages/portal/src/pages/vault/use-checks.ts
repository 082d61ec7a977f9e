/** The course of checking custody: one act after the other, those that are shown, and each once. */
import { type CheckedEvent, type CustodyMeans, checkCustodyEvent, type ReadEvent } from "@attestry/core";
import { useEffect, useRef, useState } from "preact/hooks";
import { notary } from "../../api.ts";
import { meetNotary } from "../../verify/first-contact.ts";
import { trustFrom } from "../../verify/trust.ts";
import { trustInput } from "../../verify/trust-store.ts";

export type Checks = ReadonlyMap<string, CheckedEvent>;

/** What is known of an act. What stands before it counts, so a gap that has closed is looked at anew. */
export function checkOf(checks: Checks, read: ReadEvent): CheckedEvent | undefined {
  return checks.get(keyOf(read));
}

function keyOf({ given, problem }: ReadEvent): string {
  return `${given.entryIndex} ${given.event} ${problem ?? ""}`;
}

/** @param issuer the notary's own, as it names itself */
export function useChecks(shown: readonly ReadEvent[], issuer: string): Checks {
  const [checks, setChecks] = useState<Checks>(new Map());
  const done = useRef(new Set<string>());
  useEffect(() => {
    let wanted = true;
    const checkAll = async (): Promise<void> => {
      const open = shown.filter((read) => !done.current.has(keyOf(read)));
      if (open.length === 0) return;
      const means = await findMeans().catch(() => undefined);
      for (const read of open) {
        if (!wanted) return;
        const unknown: CheckedEvent = { ...read, status: "unknown" };
        const checked = means && (await checkCustodyEvent(read, issuer, means).catch(() => undefined));
        if (!wanted) return;
        if (checked !== undefined) done.current.add(keyOf(read)); // what could not be asked is asked again
        setChecks((last) => new Map([...last, [keyOf(read), checked ?? unknown]]));
      }
    };
    void checkAll();
    return () => {
      wanted = false;
    };
  }, [shown.map(keyOf).join("\n"), issuer]);
  return checks;
}

async function findMeans(): Promise<CustodyMeans> {
  await meetNotary(); // its keys are noted before they are used
  const { origin } = await notary.status();
  return { notary, origin, trust: trustFrom(trustInput()) };
}
