/** The page `status`: how the log is doing, for everybody, live. */
import type { NotaryStatus } from "@attestry/core/client";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { notary } from "../../api.ts";
import type { PageProps } from "../../pages.ts";
import { Problem } from "../../parts/problem.tsx";
import { useRemote } from "../../remote.ts";
import { useShell } from "../../shell.ts";
import type { words as en } from "../../words/en/status.ts";
import { NewestCheckpoint } from "./checkpoint.tsx";
import { History } from "./history.tsx";
import { Places } from "./places.tsx";
import "../../style/marks.scss";
import "../../style/status.scss";

export type StatusWords = typeof en;

const statusEvery = 3000;
const historyEvery = 15_000;

export function Page({ words, place }: PageProps<StatusWords>): VNode {
  const [isLive, setLive] = useState(true);
  const { value, problem, at } = useRemote(() => notary.status(), "status", isLive ? statusEvery : undefined);
  const { live } = words;
  return (
    <div class="wide">
      <h1>{words.title}</h1>
      <p class="intro">{words.intro}</p>
      <p class="live">
        {isLive ? live.on : live.off}{" "}
        <button type="button" class="usa-button usa-button--unstyled" onClick={() => setLive(!isLive)}>
          {isLive ? live.pause : live.resume}
        </button>
      </p>
      {problem && <Problem error={problem} since={at} />}
      {value ? <Figures status={value} words={words} /> : !problem && <p>{words.loading}</p>}
      <History words={words} span={place.query.get("span")} every={isLive ? historyEvery : undefined} />
      {value && <NewestCheckpoint status={value} words={words} />}
      {value && <Places status={value} words={words} />}
    </div>
  );
}

/** What an officer wants to know at a glance. */
function Figures({ status, words }: { readonly status: NotaryStatus; readonly words: StatusWords }): VNode {
  const { language } = useShell();
  const { figures: said } = words;
  const { treeSize, witnesses = [], anchoring, queue } = status;
  const current = witnesses.filter(({ lastSize, healthy }) => healthy && lastSize >= treeSize).length;
  const anchored = Math.max(0, ...(anchoring?.places ?? []).map(({ finalSize }) => finalSize));
  const figures = [
    { label: said.entries, value: treeSize.toLocaleString(language) },
    { label: said.cosigned, value: witnesses.length === 0 ? said.noWitness : said.of(current, witnesses.length) },
    { label: said.anchored, value: anchored.toLocaleString(language) },
    { label: said.waiting, value: (queue?.entries ?? 0).toLocaleString(language) },
  ];
  return (
    <dl class="figures">
      {figures.map(({ label, value }) => (
        <div key={label} class="figures__one">
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
