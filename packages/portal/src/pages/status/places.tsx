/** Where the log is anchored and who stamps it, and how each of them is doing. */
import type { NotaryStatus, PlaceSummary } from "@attestry/core/client";
import type { VNode } from "preact";
import { Icon } from "../../parts/icons.tsx";
import { placeName } from "../../parts/places.ts";
import { Time } from "../../parts/time.tsx";
import { useShell } from "../../shell.ts";
import type { StatusWords } from "./index.tsx";

export function Places({ status, words }: { readonly status: NotaryStatus; readonly words: StatusWords }): VNode {
  const { places: said } = words;
  const { places = [], problem } = status.anchoring ?? {};
  return (
    <section aria-labelledby="places">
      <h2 id="places">{said.heading}</h2>
      <p>{places.length === 0 ? (problem === undefined ? said.none : said.paused) : said.intro}</p>
      {places.length > 0 && (
        <ul class="cards">
          {places.map((place) => (
            <Place key={place.name} place={place} treeSize={status.treeSize} words={words} />
          ))}
        </ul>
      )}
    </section>
  );
}

interface PlaceProps {
  readonly place: PlaceSummary;
  readonly treeSize: number;
  readonly words: StatusWords;
}

function Place({ place, treeSize, words: { places: said } }: PlaceProps): VNode {
  const { language } = useShell();
  const count = (value: number): string => value.toLocaleString(language);
  const behind = treeSize - place.finalSize;
  const ok = place.problem === undefined;
  return (
    <li class="card">
      <p class="card__kind">{said.kinds[place.kind]}</p>
      <h3>{placeName(place.name)}</h3>
      <p class={ok ? "mark mark--good" : "mark mark--warn"}>
        <Icon name={ok ? "check" : "warning"} size={20} /> {ok ? said.ok : said.trouble}
      </p>
      <p>{place.finalSize === 0 ? said.nothing : said.covered(count(place.finalSize))}</p>
      <p>{behind > 0 ? said.behind(count(behind)) : said.upToDate}</p>
      {place.finalTime !== undefined && (
        <p class="card__note">
          {said.since} <Time at={place.finalTime} />
        </p>
      )}
    </li>
  );
}
