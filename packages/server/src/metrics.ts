/** What the notary counts, in the Prometheus text format (https://prometheus.io/docs/instrumenting/exposition_formats/). */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { AuditReport } from "./auditing/report.ts";

export interface Metrics {
  readonly registry: Registry;
  readonly registrations: Counter<"outcome">;
  readonly refusals: Counter<"code">;
  readonly registrationSeconds: Histogram;
  readonly batchEntries: Histogram;
}

/** What is read off when somebody asks. */
export interface Gauges {
  readonly treeSize: number;
  readonly queuedEntries: number;
  readonly queuedBytes: number;
  readonly witnesses: readonly {
    readonly name: string;
    readonly behind: number;
    readonly healthy: boolean;
    readonly refuses: boolean;
  }[];
  readonly anchors: readonly {
    readonly ledger: string;
    readonly counts: Readonly<Record<"submitted" | "included" | "final" | "lost", number>>;
    readonly behind: number;
    readonly healthy: boolean;
  }[];
}

export function createMetrics(gauges: () => Gauges): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, value: (now: Gauges) => number): void => {
    new Gauge({ name, help, registers, collect(): void { this.set(value(gauges())); } }); // biome-ignore format: one line reads better
  };
  const perWitness = (name: string, help: string, value: (witness: Gauges["witnesses"][number]) => number): void => {
    new Gauge({
      name,
      help,
      registers,
      labelNames: ["witness"],
      collect(): void {
        for (const witness of gauges().witnesses) this.set({ witness: witness.name }, value(witness));
      },
    });
  };
  gauge("attestry_tree_size", "Entries in the log.", ({ treeSize }) => treeSize);
  gauge("attestry_queue_entries", "Admitted entries that wait for their index.", ({ queuedEntries }) => queuedEntries);
  gauge("attestry_queue_bytes", "Bytes of those entries.", ({ queuedBytes }) => queuedBytes);
  gauge("attestry_resident_bytes", "Resident memory of the process.", () => process.memoryUsage.rss());
  perWitness("attestry_witness_entries_behind", "Entries that a witness has not cosigned yet.", ({ behind }) => behind);
  perWitness("attestry_witness_healthy", "Whether a witness answered last time.", ({ healthy }) => (healthy ? 1 : 0));
  perWitness("attestry_witness_refuses", "Whether a witness has seen another history of the log.", ({ refuses }) =>
    refuses ? 1 : 0,
  );
  const perLedger = (name: string, help: string, value: (ledger: Gauges["anchors"][number]) => number): void => {
    new Gauge({
      name,
      help,
      registers,
      labelNames: ["ledger"],
      collect(): void {
        this.reset(); // a ledger has another name once it is open
        for (const ledger of gauges().anchors) this.set({ ledger: ledger.ledger }, value(ledger));
      },
    });
  };
  perLedger("attestry_anchor_entries_behind", "Entries that no final anchor covers yet.", ({ behind }) => behind);
  perLedger("attestry_anchor_healthy", "Whether the last look at the ledger went well.", ({ healthy }) =>
    healthy ? 1 : 0,
  );
  perLedger("attestry_anchors_final", "Anchors that stay.", ({ counts }) => counts.final);
  perLedger("attestry_anchors_pending", "Anchors under way.", ({ counts }) => counts.submitted + counts.included);
  perLedger("attestry_anchors_lost", "Anchors that can never be.", ({ counts }) => counts.lost);
  return {
    registry,
    registrations: new Counter({
      name: "attestry_registrations_total",
      help: "Statements answered with a receipt: new ones, and ones the log had already.",
      labelNames: ["outcome"],
      registers,
    }),
    refusals: new Counter({
      name: "attestry_refusals_total",
      help: "Statements and requests that were refused.",
      labelNames: ["code"],
      registers,
    }),
    registrationSeconds: new Histogram({
      name: "attestry_registration_seconds",
      help: "From the arrival of a registration to its answer.",
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    batchEntries: new Histogram({
      name: "attestry_batch_entries",
      help: "Entries that one checkpoint signature and one fsync covered.",
      buckets: [1, 4, 16, 64, 256, 1024, 4096],
      registers,
    }),
  };
}

/** What the last audit found. Before the first there is no sample: nothing is known then, and that must not look like good news. */
export function addAuditMetrics(registry: Registry, last: () => AuditReport | undefined): void {
  const add = (name: string, help: string, value: (report: AuditReport) => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      labelNames: ["result"],
      collect(): void {
        const report = last();
        this.reset();
        if (report !== undefined) this.set({ result: resultOf(report) }, value(report));
      },
    });
  };
  add("attestry_audit_findings", "Things that did not hold in the last audit.", ({ findings }) => findings);
  add(
    "attestry_audit_ended_seconds",
    "When the last audit ended (Unix time).",
    ({ endedAt }) => Date.parse(endedAt) / 1000,
  );
}

function resultOf({ findings, problem }: AuditReport): "holds" | "fails" | "stopped" {
  if (findings > 0) return "fails";
  return problem === undefined ? "holds" : "stopped";
}
