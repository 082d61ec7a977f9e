/** The page `search`: entries by record number, issuer, file and day. The address holds the whole search. */
import type { VNode } from "preact";
import { notary } from "../../api.ts";
import type { PageProps } from "../../pages.ts";
import { Problem } from "../../parts/problem.tsx";
import { useRemote } from "../../remote.ts";
import type { words as en } from "../../words/en/search.ts";
import { SearchForm } from "./form.tsx";
import { readFields, searchHref, toQuery } from "./query.ts";
import { Results } from "./results.tsx";
import "../../style/search.scss";

export function Page({ words, place }: PageProps<typeof en>): VNode {
  const fields = readFields(place.query);
  const cursor = place.query.get("cursor");
  const key = searchHref(fields, cursor ?? undefined);
  const { value, problem } = useRemote(() => notary.find(toQuery(fields, cursor)), key);
  return (
    <div class="wide">
      <h1>{words.title}</h1>
      <p class="intro">{words.intro}</p>
      <SearchForm key={searchHref(fields)} words={words} fields={fields} />
      <section aria-labelledby="results">
        <h2 id="results">{words.results}</h2>
        {problem && <Problem error={problem} />}
        {value && <Results words={words} fields={fields} page={value} isLater={cursor !== null} />}
        {!value && !problem && <p role="status">{words.searching}</p>}
      </section>
    </div>
  );
}
