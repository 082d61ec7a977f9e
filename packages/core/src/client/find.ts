/** Goes through the pages of a search. */
import type { EntryQuery, NotaryClient } from "./notary-client.ts";
import type { EntrySummary } from "./resources.ts";

/** As many as a page may have. */
const pageLength = 500;

/** The newest entries, at most so many; `more` when there are others. @throws as `NotaryClient.find` */
export async function collectEntries(
  notary: Pick<NotaryClient, "find">,
  query: EntryQuery,
  limit: number,
): Promise<{ readonly entries: readonly EntrySummary[]; readonly more: boolean }> {
  const entries: EntrySummary[] = [];
  let cursor: string | undefined;
  do {
    const page = await notary.find({
      ...query,
      limit: Math.min(limit - entries.length, pageLength),
      ...(cursor && { cursor }),
    });
    entries.push(...page.entries);
    cursor = page.next;
  } while (cursor !== undefined && entries.length < limit);
  return { entries: entries.slice(0, limit), more: cursor !== undefined || entries.length > limit };
}
