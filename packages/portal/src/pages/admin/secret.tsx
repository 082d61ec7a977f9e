/** A new token's secret: on the screen until it is put away, and nowhere else. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Key } from "../../parts/rows.tsx";
import type { AdminWords } from "./index.tsx";
import { Name } from "./parts.tsx";

export interface SecretProps {
  readonly words: AdminWords["tokens"];
  readonly name: string;
  readonly token: string;
  onClose(): void;
}

export function Secret({ words, name, token, onClose }: SecretProps): VNode {
  const [copied, setCopied] = useState<boolean>();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(token); // there is none where the page did not come over TLS
      setCopied(true);
    } catch {
      setCopied(false);
    }
  };
  return (
    <section class="secret" aria-labelledby="secret">
      <h3 id="secret" tabIndex={-1} ref={heading}>
        {words.secret}: <Name text={name} />
      </h3>
      <p>{words.secretText}</p>
      <p class="secret__text">
        <Key text={token} />
      </p>
      <div class="ask__buttons">
        <button type="button" class="usa-button" onClick={copy}>
          {words.copy}
        </button>
        <button type="button" class="usa-button usa-button--outline" onClick={onClose}>
          {words.secretDone}
        </button>
        <p role="status">{copied === undefined ? "" : copied ? words.copied : words.copyByHand}</p>
      </div>
    </section>
  );
}
