/** Where files are dropped or chosen. It is one label around a real file input, so a keyboard and a screen reader know it. */
import type { ComponentChildren, VNode } from "preact";
import { useId, useState } from "preact/hooks";
import { droppedFiles } from "./dropped.ts";
import { Icon } from "./icons.tsx";

export interface FileDropProps {
  /** "Drop a file here or" */
  readonly label: string;
  /** "choose from this device" */
  readonly action: string;
  readonly hint?: ComponentChildren;
  readonly multiple?: boolean;
  readonly accept?: string;
  /** Small, for a place beside other things. */
  readonly compact?: boolean;
  onFiles(files: readonly File[]): void;
}

export function FileDrop(props: FileDropProps): VNode {
  const { label, action, hint, multiple = false, accept, compact = false, onFiles } = props;
  const [over, setOver] = useState(false);
  const hintId = useId();
  const take = (files: readonly File[]): void => {
    if (files.length > 0) onFiles(files);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is for the pointer; the input in it is for everyone
    <div
      class={`file-drop${compact ? " file-drop--compact" : ""}${over ? " file-drop--over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (event.dataTransfer !== null) droppedFiles(event.dataTransfer).then(take);
      }}
    >
      <label>
        {!compact && <Icon name="file" size={48} />}
        <span class="file-drop__label">
          {label} <span class="file-drop__action">{action}</span>
        </span>
        <input
          type="file"
          multiple={multiple}
          accept={accept}
          aria-describedby={hint === undefined ? undefined : hintId}
          onChange={(event) => {
            const input = event.currentTarget;
            take([...(input.files ?? [])]);
            input.value = ""; // the same file may be chosen again
          }}
        />
      </label>
      {hint !== undefined && (
        <p class="file-drop__hint" id={hintId}>
          {hint}
        </p>
      )}
    </div>
  );
}
