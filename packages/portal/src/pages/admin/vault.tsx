/** How long records are kept, the vault's keys and their rotation, and the sweep. Nothing here tells of a record. */
import type { RecordClass, VaultKeys } from "@attestry/core/client";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Failure } from "../../parts/failure.tsx";
import { Progress } from "../../parts/progress.tsx";
import { Key, Rows } from "../../parts/rows.tsx";
import { useShell } from "../../shell.ts";
import { ClassForm } from "./class-form.tsx";
import type { AdminWords, Office } from "./index.tsx";
import { Act, Done, Maker, Name, useReading } from "./parts.tsx";
import { useCount } from "./places.tsx";

export function VaultSection({ office }: { readonly office: Office }): VNode {
  const [turn, setTurn] = useState(0);
  const changed = (): void => setTurn(turn + 1);
  return (
    <>
      <Done office={office} turn={turn} />
      {office.may("class:read") && <Classes office={office} onChange={changed} />}
      {office.may("vault:manage") && <Keys office={office} onChange={changed} />}
      {office.may("vault:manage") && <Sweep office={office} onChange={changed} />}
    </>
  );
}

function Classes({ office, onChange }: PartProps): VNode {
  const words = office.words.vault;
  const { value: classes, problem, again } = useReading(() => office.vault.recordClasses());
  const [turn, setTurn] = useState(0);
  const retention = useRetention(words);
  return (
    <>
      <h3>{words.classes}</h3>
      <p>{words.classesIntro}</p>
      {problem && <Failure words={office.words} error={problem} />}
      {classes && (
        <table class="classes">
          <thead>
            <tr>
              <th scope="col">{words.name}</th>
              <th scope="col">{words.kept}</th>
            </tr>
          </thead>
          <tbody>
            {classes.map(({ name, retention: kept }) => (
              <tr key={name}>
                <th scope="row">
                  <Name text={name} />
                </th>
                <td>{retention(kept)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {classes && office.may("vault:manage") && (
        <Maker key={turn} title={words.change}>
          <ClassForm
            office={office}
            classes={classes}
            onDone={() => {
              setTurn(turn + 1);
              again();
              onChange();
            }}
          />
        </Maker>
      )}
    </>
  );
}

const day = 86_400;

/** Years where it is whole years, else days. */
function useRetention(words: AdminWords["vault"]): (retention: RecordClass["retention"]) => string {
  const { language } = useShell();
  const text = (value: number, unit: "year" | "day"): string =>
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 2 }).format(
      value,
    );
  return (retention) => {
    if (retention === "forever") return words.forever;
    if (retention === 0) return words.notKept;
    return retention % (365 * day) === 0 ? text(retention / (365 * day), "year") : text(retention / day, "day");
  };
}

interface PartProps {
  readonly office: Office;
  onChange(): void;
}

function Keys({ office, onChange }: PartProps): VNode {
  const words = office.words.vault;
  const { value, problem, again } = useReading(
    () => office.vault.keys(),
    ({ rotation }) => (rotation.state === "running" ? 500 : undefined),
  );
  const [forget, setForget] = useState(false);
  return (
    <>
      <h3>{words.keys}</h3>
      <p>{words.keysIntro}</p>
      {problem && <Failure words={office.words} error={problem} />}
      {value && <KeyState words={words} keys={value} />}
      {value && value.rotation.state !== "running" && (
        <Act
          words={office.words}
          id="rotate"
          label={words.rotate}
          title={words.rotateTitle}
          text={words.rotateText}
          danger={forget}
          act={() => office.vault.rotate({ forget })}
          onDone={() => {
            setForget(false);
            onChange();
            again();
          }}
        >
          <label class="tick">
            <input type="checkbox" checked={forget} onChange={(event) => setForget(event.currentTarget.checked)} />{" "}
            <span>
              <strong>{words.forget}</strong> {words.forgetHint}
            </span>
          </label>
        </Act>
      )}
    </>
  );
}

function KeyState({ words, keys }: { readonly words: AdminWords["vault"]; readonly keys: VaultKeys }): VNode {
  const count = useCount();
  const { key, pending, rotation } = keys;
  const { state, done, total, problem } = rotation;
  return (
    <>
      <Rows
        rows={[
          { label: words.key, value: <Key text={key} /> },
          { label: words.pending, value: count(pending) },
          {
            label: words.rotation,
            value: words.states[state],
            note: problem === undefined ? undefined : words.failed(problem),
          },
        ]}
      />
      {state === "running" && (
        <Progress
          label={words.progress}
          share={total === 0 ? undefined : done / total}
          detail={words.of(count(done), count(total))}
        />
      )}
    </>
  );
}

function Sweep({ office, onChange }: PartProps): VNode {
  const words = office.words.vault;
  const count = useCount();
  const [swept, setSwept] = useState<{ readonly uploads: number; readonly orphans: number }>();
  return (
    <>
      <h3>{words.sweep}</h3>
      <p>{words.sweepIntro}</p>
      {swept !== undefined && <p>{words.swept(count(swept.uploads), count(swept.orphans))}</p>}
      <Act
        words={office.words}
        id="sweep"
        label={words.sweepNow}
        title={words.sweepTitle}
        text={words.sweepText}
        danger={false}
        act={async () => setSwept(await office.vault.sweep())}
        onDone={onChange}
      />
    </>
  );
}
