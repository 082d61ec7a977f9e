/** An `AnchorStore` that forgets with its process: for tests. */
import type { AnchorRecord, AnchorState, AnchorStore, ListOptions } from "./anchor-store.ts";

export function createMemoryAnchorStore(): AnchorStore {
  const records = new Map<string, AnchorRecord>();
  const of = (ledger: string, origin: string): AnchorRecord[] =>
    [...records.values()].filter((record) => record.ledger === ledger && record.origin === origin);
  return {
    put: async (record: AnchorRecord): Promise<void> => {
      records.set(JSON.stringify([record.ledger, record.origin, record.size]), record);
    },
    list: async (ledger: string, origin: string, options: ListOptions): Promise<AnchorRecord[]> => {
      const { covering = -1, states, limit, order } = options;
      return of(ledger, origin)
        .filter((record) => record.size > covering && (states?.includes(record.state) ?? true))
        .sort((x, y) => (order === "ascending" ? x.size - y.size : y.size - x.size))
        .slice(0, limit);
    },
    count: async (ledger: string, origin: string): Promise<Record<AnchorState, number>> => {
      const counts = { submitted: 0, included: 0, final: 0, lost: 0 };
      for (const { state } of of(ledger, origin)) counts[state] += 1;
      return counts;
    },
    ledgers: async (origin: string): Promise<string[]> => {
      const ours = [...records.values()].filter((record) => record.origin === origin);
      return [...new Set(ours.map(({ ledger }) => ledger))].sort();
    },
    close: async (): Promise<void> => {},
  };
}
