import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { isAppError } from '@warren/kernel';
import fc from 'fast-check';
import type { Client } from 'pg';
import { openSession } from '../src/database/open-session.ts';
import { type DatabasePool, type RebuildPhase, rebuildProjection } from '../src/index.ts';
import { appendTo, compareWithLog, openTrails, trails } from './rebuild-fixture.ts';
import { type TestStore, useStoreFixture } from './store-fixture.ts';

interface Step {
  session: number;
  do: 'append' | 'begin' | 'commit' | 'rollback';
  stream: number;
  count: number;
}

const SESSIONS = 3;

const step: fc.Arbitrary<Step> = fc.record({
  session: fc.nat({ max: SESSIONS - 1 }),
  do: fc.oneof(
    { weight: 4, arbitrary: fc.constant('append' as const) },
    { weight: 1, arbitrary: fc.constantFrom('begin' as const, 'rollback' as const) },
    { weight: 2, arbitrary: fc.constant('commit' as const) },
  ),
  stream: fc.nat({ max: 3 }),
  count: fc.integer({ min: 1, max: 3 }),
});

/** Transactions that take their ids early or late, write to shared streams, and end in any order. */
class Writers {
  /** For each open transaction, the streams it has appended to: another one would have to wait for them. */
  private readonly open = new Map<number, Set<number>>();

  constructor(private readonly sessions: readonly Client[]) {}

  async take({ session, do: what, stream, count }: Step): Promise<void> {
    if (what === 'commit' || what === 'rollback') return this.end(session, what);
    if (!this.open.has(session)) {
      await this.client(session).query('BEGIN; SELECT pg_current_xact_id()');
      this.open.set(session, new Set());
    }
    if (what === 'append') await this.append(session, stream, count);
  }

  async finish(): Promise<void> {
    for (const session of this.open.keys()) await this.end(session, 'commit');
  }

  private async append(session: number, stream: number, count: number): Promise<void> {
    const others = [...this.open].filter(([other]) => other !== session);
    if (others.some(([, streams]) => streams.has(stream))) return;
    this.open.get(session)?.add(stream);
    const client = this.client(session);
    try {
      await trails.apply(client, await appendTo(client, `s-${stream}`, count));
    } catch (error) {
      if (!isAppError(error) || error.code !== 'TRANSACTION_CONTENTION') throw error;
      await this.end(session, 'rollback');
    }
  }

  private async end(session: number, how: 'commit' | 'rollback'): Promise<void> {
    if (this.open.delete(session)) await this.client(session).query(how);
  }

  private client(session: number): Client {
    const client = this.sessions[session];
    if (!client) throw new Error(`no session ${session}`);
    return client;
  }
}

interface History {
  before: Step[];
  /** While the rebuild runs. */
  beside: Step[];
  /** When the tables are about to be swapped. */
  atSwap: Step[];
  pageSize: number;
}

/** Lets the rebuild get on between two steps: until it has told something, or for a moment when it has nothing to tell. */
const MOMENT_MS = 3;

async function check({ pool }: TestStore, sessions: readonly Client[], { before, beside, atSwap, pageSize }: History) {
  await pool.query('TRUNCATE events, trails');
  const writers = new Writers(sessions);
  for (const one of before) await writers.take(one);
  const old = await identityOf(pool);

  let told = (_phase: RebuildPhase) => {};
  const progress = (until?: RebuildPhase) =>
    new Promise<void>((resolve) => {
      told = (phase) => (until === undefined || phase === until) && resolve();
    });
  async function writeBeside(): Promise<void> {
    // What is open now is not in the first pass.
    await Promise.race([progress(), rebuilt]);
    for (const one of beside) {
      await Promise.race([progress(), delay(MOMENT_MS)]);
      await writers.take(one);
    }
    // The making of indexes waits for transactions that are open.
    const swapping = progress('swapping');
    await writers.finish();
    await Promise.race([swapping, rebuilt]);
    for (const one of atSwap) await writers.take(one);
    await writers.finish();
  }
  const rebuilt = rebuildProjection({ pool, projection: trails, pageSize, onProgress: ({ phase }) => told(phase) });
  await Promise.all([rebuilt, writeBeside()]);
  const { table, log } = await compareWithLog(pool);
  expect(table).toEqual(log);
  expect(await identityOf(pool)).not.toBe(old);
}

const identityOf = async (pool: DatabasePool) => (await pool.query(`SELECT 'trails'::regclass::oid`)).rows[0].oid;

describe('a rebuilt table', () => {
  const fixture = useStoreFixture();

  it('when transactions of any kind go on before, beside and after the rebuild, then it is what the log says', async () => {
    const test = await openTrails(fixture);
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => openSession({ pool: test.pool })));
    const history = fc.record({
      before: fc.array(step, { maxLength: 15 }),
      beside: fc.array(step, { maxLength: 15 }),
      atSwap: fc.array(step, { minLength: 1, maxLength: 15 }),
      pageSize: fc.integer({ min: 1, max: 5 }),
    });
    try {
      await fc.assert(
        fc.asyncProperty(history, (one) => check(test, sessions, one)),
        { numRuns: 15 },
      );
    } finally {
      await Promise.all(sessions.map((session) => session.end()));
    }
  });
});
