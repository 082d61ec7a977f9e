/** The course of a verification: what was dropped, how far it is, what came of it. */
import { AttestryError, isAttestryError } from "@attestry/core";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { hashFile } from "../../hash/hash-file.ts";
import type { Answer, Link } from "../../verify/question.ts";
import { notePin, trustInput } from "../../verify/trust-store.ts";
import { ask } from "../../verify/verifier.ts";
import { sortDropped } from "./inputs.ts";

/** A file that was hashed. */
interface HashedFile {
  readonly name: string;
  readonly size: number;
  readonly hash: string;
}

interface ProofAtHand {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What is being verified. A later drop adds what is missing, or begins anew. */
export interface Subject {
  readonly file?: HashedFile;
  readonly proof?: ProofAtHand;
  readonly link?: Link;
}

export type Problem = "many" | "unreadable" | "failed" | "trust";

export type Stage =
  | { readonly kind: "idle"; readonly cancelled?: boolean; readonly problem?: Problem }
  | { readonly kind: "hashing"; readonly name: string; readonly done: number; readonly size: number }
  | { readonly kind: "checking" }
  | { readonly kind: "done"; readonly subject: Subject; readonly answer: Answer };

export interface Verification {
  readonly stage: Stage;
  drop(files: readonly File[]): void;
  cancel(): void;
  /** Forgets what was dropped. */
  reset(): void;
  /** The same again: what is trusted has changed. */
  repeat(): void;
}

export function useVerification(link: Link | undefined): Verification {
  const [stage, setStage] = useState<Stage>({ kind: "idle" });
  const subject = useRef<Subject>({});
  const running = useRef<AbortController | undefined>(undefined);

  /** Runs one piece of work at a time; a later one ends the earlier. */
  const run = useCallback(async (work: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    try {
      await work(controller.signal);
    } catch (error) {
      if (!controller.signal.aborted) setStage({ kind: "idle", problem: problemOf(error) });
    }
  }, []);

  const check = useCallback(async (next: Subject, signal: AbortSignal): Promise<void> => {
    setStage({ kind: "checking" });
    const { file, proof, link: named } = next;
    const answer = await ask({
      notary: location.origin,
      trust: trustInput(),
      ...(file && { hash: file.hash }),
      ...(proof && { proof: proof.bytes }),
      ...(named && { link: named }),
    });
    if (signal.aborted) return;
    if (answer.firstContact) notePin(answer.firstContact);
    subject.current = next;
    setStage({ kind: "done", subject: next, answer });
  }, []);

  const drop = (files: readonly File[]): void =>
    void run(async (signal) => {
      const dropped = await sortDropped(files);
      if (dropped === undefined) return setStage({ kind: "idle", problem: "many" });
      const hash = async (file: File): Promise<HashedFile> => {
        const { name, size } = file;
        setStage({ kind: "hashing", name, done: 0, size });
        const onBytes = (done: number): void => setStage({ kind: "hashing", name, done, size });
        return { name, size, hash: await hashFile(file, { onBytes, signal }) };
      };
      const file = dropped.file && (await hash(dropped.file));
      const proof = dropped.proof && { name: dropped.proof.name, bytes: await readWhole(dropped.proof) };
      if (signal.aborted) return;
      await check(merge(subject.current, { ...(file && { file }), ...(proof && { proof }) }), signal);
    });

  useEffect(() => {
    subject.current = link === undefined ? {} : { link };
    if (link === undefined) setStage({ kind: "idle" });
    else void run((signal) => check({ link }, signal));
    return () => running.current?.abort();
  }, [link, run, check]);

  return {
    stage,
    drop,
    cancel: () => {
      running.current?.abort();
      setStage({ kind: "idle", cancelled: true });
    },
    reset: () => {
      running.current?.abort();
      subject.current = link === undefined ? {} : { link };
      setStage({ kind: "idle" });
    },
    repeat: () => {
      const { file, proof, link: named } = subject.current;
      if (file ?? proof ?? named) void run((signal) => check(subject.current, signal));
    },
  };
}

/** What is dropped joins what waits for it: a file its proof or its certificate's record, a proof its file. */
function merge(earlier: Subject, dropped: Subject): Subject {
  const waits = (earlier.file === undefined) !== (earlier.proof === undefined);
  const { file = waits ? earlier.file : undefined, proof = waits ? earlier.proof : undefined } = dropped;
  const link = proof === undefined ? earlier.link : undefined;
  return { ...(file && { file }), ...(proof && { proof }), ...(link && { link }) };
}

async function readWhole(file: File): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (cause) {
    throw new AttestryError("USAGE_FILE", "The proof cannot be read.", { cause });
  }
}

function problemOf(error: unknown): Problem {
  if (!isAttestryError(error)) return "failed";
  if (error.code === "USAGE_FILE") return "unreadable";
  return error.code === "MALFORMED_TRUST_FILE" ? "trust" : "failed";
}
