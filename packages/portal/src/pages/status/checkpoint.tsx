/** The newest checkpoint, with every signature on it checked here, in the browser. */
import { type Checkpoint, encodeHex, parseCheckpoint, parseNote, parseVerifierKey } from "@attestry/core";
import type { NotaryStatus } from "@attestry/core/client";
import type { VNode } from "preact";
import { fetchCheckpoint } from "../../api.ts";
import { goodSignatures } from "../../cosignatures.ts";
import { Hash } from "../../parts/hash.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Problem } from "../../parts/problem.tsx";
import { type Row, Rows } from "../../parts/rows.tsx";
import { Time } from "../../parts/time.tsx";
import { useRemote } from "../../remote.ts";
import type { StatusWords } from "./index.tsx";

interface Examined {
  readonly text: string;
  readonly checkpoint: Checkpoint;
  /** Whether every signature of the log is there and good. */
  readonly isSigned: boolean;
  /** Whole seconds of Unix time of a good cosignature; undefined where there is none. */
  readonly witnesses: readonly { readonly name: string; readonly time: number | undefined }[];
}

export function NewestCheckpoint(props: { readonly status: NotaryStatus; readonly words: StatusWords }): VNode {
  const { status, words } = props;
  const { checkpoint: said } = words;
  const cosigned = status.witnesses?.map(({ lastSize }) => lastSize).join(" ") ?? "";
  const { value, problem } = useRemote(() => examine(status), `${status.treeSize} ${cosigned}`);
  return (
    <section aria-labelledby="checkpoint">
      <h2 id="checkpoint">{said.heading}</h2>
      {problem && <Problem error={problem} />}
      {value && <p>{said.intro}</p>}
      {value && <Rows rows={[...rowsOf(value, status, words)]} />}
      {value && (
        <details>
          <summary>{said.raw}</summary>
          <pre class="raw">{value.text}</pre>
        </details>
      )}
    </section>
  );
}

function rowsOf({ checkpoint, isSigned, witnesses }: Examined, status: NotaryStatus, words: StatusWords): Row[] {
  const { checkpoint: said } = words;
  const outcome = isSigned ? <Mark good>{said.holds}</Mark> : <Mark>{said.fails}</Mark>;
  return [
    { label: said.origin, value: checkpoint.origin },
    { label: said.size, value: String(checkpoint.size) },
    { label: said.root, value: <Hash hex={encodeHex(checkpoint.rootHash)} /> },
    ...(status.checkpointTime === undefined ? [] : [{ label: said.time, value: <Time at={status.checkpointTime} /> }]),
    { label: said.signature, value: outcome, note: isSigned ? said.schemes : said.failNote },
    ...(witnesses.length === 0 ? [{ label: said.cosignatures, value: said.none }] : []),
    ...witnesses.map(({ name, time }) => ({
      label: name,
      value: time === undefined ? said.notYet : <Mark good>{said.cosignature}</Mark>,
      note: time === undefined ? undefined : <Time at={time} />,
    })),
  ];
}

function Mark({ good = false, children }: { readonly good?: boolean; readonly children: string }): VNode {
  return (
    <span class={good ? "mark mark--good" : "mark mark--bad"}>
      <Icon name={good ? "check" : "cross"} size={20} /> {children}
    </span>
  );
}

async function examine(status: NotaryStatus): Promise<Examined> {
  const text = await fetchCheckpoint();
  const note = parseNote(text);
  const checkpoint = parseCheckpoint(note.text);
  const keys = status.verifierKeys.map(parseVerifierKey);
  const good = await goodSignatures(note, keys);
  const isSigned = checkpoint.origin === status.origin && keys.length > 0 && good.length === keys.length;
  const witnesses = (status.witnesses ?? []).map(async ({ name, verifierKeys }) => {
    const times = (await goodSignatures(note, verifierKeys.map(parseVerifierKey))).map((one) => one.time);
    return { name, time: times.length === 0 ? undefined : Math.min(...times) };
  });
  return { text, checkpoint, isSigned, witnesses: await Promise.all(witnesses) };
}
