import assert from "node:assert/strict";
import { test } from "node:test";
import { refusal } from "../testing.ts";
import type { SqlServerConnection } from "./driver.ts";
import { createPool, type Pool } from "./pool.ts";

interface Counted {
  readonly pool: Pool;
  /** How many were opened in all, and how many of them are open now. */
  readonly count: { opened: number; open: number; most: number };
}

/** A pool over connections that do nothing; `failing` says of each attempt whether it fails. */
function counted(options: { patience?: number; idle?: number } = {}, failing: () => boolean = () => false): Counted {
  const count = { opened: 0, open: 0, most: 0 };
  const connect = async (): Promise<SqlServerConnection> => {
    count.opened += 1;
    await new Promise(setImmediate);
    if (failing()) throw new Error("refused");
    count.open += 1;
    count.most = Math.max(count.most, count.open);
    let isOpen = true;
    const none = async () => ({ rows: [], columns: [], affected: 0 });
    return {
      run: none,
      batch: none,
      get isOpen() {
        return isOpen;
      },
      close() {
        if (isOpen) count.open -= 1;
        isOpen = false;
      },
    };
  };
  return { pool: createPool({ connect, size: 3, patience: 5000, idle: 60_000, ...options }), count };
}

async function use(pool: Pool, isGood: boolean = true): Promise<void> {
  const connection = await pool.take();
  await new Promise(setImmediate);
  pool.give(connection, isGood);
}

test("many who ask share a few connections, in turn, and one that failed is replaced", async () => {
  const { pool, count } = counted();
  await Promise.all(Array.from({ length: 100 }, (_, at) => use(pool, at % 10 !== 0)));
  assert.equal(count.most, 3);
  assert.ok(count.opened >= 10 && count.opened <= 13, String(count.opened));
  await pool.close();
  assert.equal(count.open, 0);
});

test("one that cannot be opened leaves its place to the next who waits", async () => {
  let attempts = 0;
  const { pool } = counted({}, () => attempts++ % 2 === 0);
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => use(pool, false)));
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 10);
  await pool.close();
});

test("whoever waits too long is told, and takes no place", async () => {
  const { pool, count } = counted({ patience: 20 });
  const taken = await Promise.all([pool.take(), pool.take(), pool.take()]);
  await assert.rejects(pool.take(), refusal("UNAVAILABLE_STORAGE"));
  for (const connection of taken) pool.give(connection, true);
  await Promise.all([use(pool), use(pool), use(pool)]);
  assert.equal(count.opened, 3);
  await pool.close();
});

test("one that nobody needs is closed, one that broke meanwhile is not lent, and closing waits for what is lent", async () => {
  const { pool, count } = counted({ idle: 1 });
  await use(pool);
  while (count.open > 0) await new Promise((resolve) => setTimeout(resolve, 1).ref());
  const other = counted();
  const connection = await other.pool.take();
  other.pool.give(connection, true);
  connection.close();
  const lent = await other.pool.take();
  assert.notEqual(lent, connection);
  let isClosed = false;
  const closing = other.pool.close().then(() => {
    isClosed = true;
  });
  await new Promise(setImmediate);
  assert.equal(isClosed, false);
  other.pool.give(lent, true);
  await closing;
  assert.equal(other.count.open, 0);
  await pool.close();
});
