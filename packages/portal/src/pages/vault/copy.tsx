/** Takes a copy out of the vault: receives it, holds it against its thumbprint, and only then lets the browser save it. */
import { AttestryError, isAttestryError } from "@attestry/core";
import type { VaultObject } from "@attestry/core/client";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { hashFile } from "../../hash/hash-file.ts";
import { Failure } from "../../parts/failure.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Progress } from "../../parts/progress.tsx";
import { formatBytes } from "../../parts/size.ts";
import type { Desk } from "./index.tsx";
import { fileName, receive } from "./receive.ts";

export interface CopyProps {
  readonly desk: Desk;
  readonly object: VaultObject;
  /** `download`: a reading, for the reader alone. */
  readonly way: "download" | "export";
  readonly purpose: string;
  /** It is recorded. */
  onUsed(): void;
}

type Stage =
  | { readonly name: "receiving"; readonly bytes: number }
  | { readonly name: "checking"; readonly bytes: number }
  | { readonly name: "good"; readonly url: string }
  | { readonly name: "bad" | "broken off" | "cancelled" | "too large" }
  | { readonly name: "failed"; readonly error: AttestryError };

export function Copy({ desk, object, way, purpose, onUsed }: CopyProps): VNode {
  const words = desk.words.use;
  const [stage, setStage] = useState<Stage>({ name: "receiving", bytes: 0 });
  const stop = useRef(new AbortController());
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    const { signal } = stop.current;
    let url: string | undefined;
    takeOut({ desk, object, way, purpose, onUsed, signal, onStage: setStage })
      .then((copy) => {
        if (typeof copy === "string") return setStage({ name: copy });
        url = URL.createObjectURL(copy);
        setStage({ name: "good", url });
      })
      .catch((error: unknown) => setStage(signal.aborted ? { name: "cancelled" } : failureOf(error)));
    return () => {
      stop.current.abort();
      if (url !== undefined) URL.revokeObjectURL(url);
    };
  }, []);
  const isGood = stage.name === "good";
  useEffect(() => {
    if (isGood) link.current?.click();
  }, [isGood]);
  return (
    <div class="copy" data-stage={stage.name}>
      {(stage.name === "receiving" || stage.name === "checking") && (
        <>
          <Progress
            label={stage.name === "receiving" ? words.reading : words.checking}
            share={object.size === 0 ? 1 : stage.bytes / object.size}
            detail={words.amount(formatBytes(stage.bytes), formatBytes(object.size))}
          />
          <button type="button" class="usa-button usa-button--outline" onClick={() => stop.current.abort()}>
            {words.cancel}
          </button>
        </>
      )}
      {stage.name === "good" && (
        <p class="copy__good" role="status">
          <Icon name="check" /> {words.good}{" "}
          <a href={stage.url} download={fileName(object)} ref={link}>
            {words.again}
          </a>
        </p>
      )}
      {stage.name === "cancelled" && <p role="status">{words.cancelled}</p>}
      {stage.name === "bad" && <Alert text={words.bad} />}
      {stage.name === "broken off" && <Alert text={words.brokenOff} />}
      {stage.name === "too large" && <Alert text={words.tooLarge} command={`attestry vault get ${object.hash}`} />}
      {stage.name === "failed" && <Failure words={desk.words} error={stage.error} />}
    </div>
  );
}

function Alert({ text, command }: { readonly text: string; readonly command?: string }): VNode {
  return (
    <div class="usa-alert usa-alert--error usa-alert--slim" role="alert">
      <div class="usa-alert__body">
        <p class="usa-alert__text">
          {text} {command !== undefined && <code>{command}</code>}
        </p>
      </div>
    </div>
  );
}

interface TakeOut extends CopyProps {
  readonly signal: AbortSignal;
  onStage(stage: Stage): void;
}

/** The copy; "bad" when it is not what the thumbprint was made of. */
async function takeOut({
  desk,
  object,
  way,
  purpose,
  onUsed,
  signal,
  onStage,
}: TakeOut): Promise<Blob | "bad" | "broken off"> {
  const { vault } = desk;
  const content = await (way === "export" ? vault.export(object.id, purpose) : vault.read(object.id, purpose));
  onUsed();
  const blob = await receive(content, signal, (bytes) => onStage({ name: "receiving", bytes })).catch(() => undefined);
  signal.throwIfAborted();
  // The notary stops at the first part that is not as it was stored, which looks like a line that was cut.
  if (blob === undefined) return "broken off";
  const hash = await hashFile(blob, { signal, onBytes: (bytes) => onStage({ name: "checking", bytes }) });
  return hash === object.hash ? blob : "bad";
}

function failureOf(error: unknown): Stage {
  const known = isAttestryError(error) ? error : new AttestryError("FATAL_INTERNAL", undefined, { cause: error });
  // A browser that has no room for it finds that out when it reads it back.
  return known.code === "USAGE_FILE" ? { name: "too large" } : { name: "failed", error: known };
}
