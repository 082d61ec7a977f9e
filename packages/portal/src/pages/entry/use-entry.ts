/** The course of the page: the entry's proof is fetched and verified, and again for each file that is compared with it. */
import type { NotaryStatus } from "@attestry/core/client";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { notary } from "../../api.ts";
import { hashFile } from "../../hash/hash-file.ts";
import type { Answer } from "../../verify/question.ts";
import { notePin, trustInput } from "../../verify/trust-store.ts";
import { ask } from "../../verify/verifier.ts";
import { type Contents, readContents } from "./contents.ts";

export interface EntryState {
  readonly answer?: Answer;
  /** Of the proof; absent when there is none. */
  readonly contents?: Contents;
  /** The file that is being read, and how much of it is. */
  readonly reading?: { readonly name: string; readonly share: number };
  /** Whether the answer is about a file. */
  readonly compared?: boolean;
  readonly problem?: "failed" | "unreadable";
}

export interface EntryView {
  readonly state: EntryState;
  compare(files: readonly File[]): void;
}

export function useEntry(index: number): EntryView {
  const [state, setState] = useState<EntryState>({});
  const turn = useRef(0);

  const check = useCallback(
    async (file?: File): Promise<void> => {
      turn.current += 1;
      const own = turn.current;
      const show = (next: EntryState): void => {
        if (turn.current === own) setState(next); // a later question has taken over
      };
      let hash: string | undefined;
      if (file !== undefined) {
        const onBytes = (bytes: number): void =>
          show({ reading: { name: file.name, share: file.size === 0 ? 1 : bytes / file.size } });
        onBytes(0);
        hash = await hashFile(file, { onBytes }).catch(() => undefined);
        if (hash === undefined) return show({ problem: "unreadable" });
      }
      show(await judge(index, hash));
    },
    [index],
  );

  useEffect(() => {
    setState({});
    void check();
    return () => {
      turn.current += 1;
    };
  }, [check]);

  return {
    state,
    compare: ([file]) => {
      if (file !== undefined) void check(file);
    },
  };
}

async function judge(index: number, hash: string | undefined): Promise<EntryState> {
  try {
    const question = { notary: location.origin, trust: trustInput(), link: { index } };
    const asked = ask({ ...question, ...(hash !== undefined && { hash }) });
    const status: Promise<NotaryStatus | undefined> = notary.status().catch(() => undefined);
    const answer = await asked;
    if (answer.firstContact) notePin(answer.firstContact);
    const contents = answer.proof && (await readContents(answer.proof, await status).catch(() => undefined));
    return { answer, compared: hash !== undefined, ...(contents && { contents }) };
  } catch {
    return { problem: "failed" };
  }
}
