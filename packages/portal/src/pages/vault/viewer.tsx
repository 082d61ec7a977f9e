/**
 * Shows a recording in the page. The browser's own player asks for the ranges that it needs, with the session's cookie and the
 * stated purpose in the address; the notary decrypts no more than those. What could carry a script is never shown, but saved.
 */
import { AttestryError, isAttestryError } from "@attestry/core";
import type { VaultObject } from "@attestry/core/client";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Failure } from "../../parts/failure.tsx";
import type { Desk } from "./index.tsx";
import { recordName } from "./state.tsx";

export type Kind = "video" | "audio" | "image" | "file";

const pictures: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"];

/** How it can be seen: `file` where only another program may show it. */
export function kindOf({ contentType = "" }: VaultObject): Kind {
  const [type = ""] = contentType.toLowerCase().split(";");
  if (type.startsWith("video/")) return "video";
  if (type.startsWith("audio/")) return "audio";
  return pictures.includes(type.trim()) ? "image" : "file";
}

export interface ViewerProps {
  readonly desk: Desk;
  readonly object: VaultObject;
  readonly purpose: string;
  /** The reading is recorded. */
  onUsed(): void;
}

export function Viewer({ desk, object, purpose, onUsed }: ViewerProps): VNode {
  const words = desk.words.use;
  const [error, setError] = useState<AttestryError | "unplayable">();
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => frame.current?.querySelector<HTMLElement>("video, audio")?.focus(), []); // its keys work at once
  const source = `/v1/objects/${object.id}/content?${new URLSearchParams({ purpose })}`;
  const name = recordName(object, desk.words);
  const fail = async (): Promise<void> => {
    const reason = await reasonOf(desk, object.id);
    setError(reason);
    if (reason === "unplayable") onUsed();
  };
  if (error !== undefined && error !== "unplayable") return <Failure words={desk.words} error={error} />;
  if (error === "unplayable") {
    return (
      <div class="usa-alert usa-alert--warning usa-alert--slim" role="alert">
        <div class="usa-alert__body">
          <p class="usa-alert__text">{words.playFailed}</p>
        </div>
      </div>
    );
  }
  const kind = kindOf(object);
  // Evidence is shown as it is: it has no captions.
  const player = { src: source, controls: true, autoPlay: true, onLoadedMetadata: onUsed, onError: fail } as const;
  const label = words.player(name);
  return (
    <div class="viewer" ref={frame}>
      {kind === "video" && <video {...player} aria-label={label} playsInline />}
      {kind === "audio" && <audio {...player} aria-label={label} />}
      {kind === "image" && <img src={source} alt={words.picture(name)} onLoad={onUsed} onError={fail} />}
    </div>
  );
}

/** A player says only that it failed: the notary may say why. */
async function reasonOf({ vault }: Desk, id: string): Promise<AttestryError | "unplayable"> {
  try {
    const { state } = await vault.object(id);
    return state === "erased" ? new AttestryError("POLICY_ERASED") : "unplayable";
  } catch (error) {
    return isAttestryError(error) ? error : "unplayable";
  }
}
