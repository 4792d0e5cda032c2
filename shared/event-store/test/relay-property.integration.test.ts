import { describe, expect, it } from '@jest/globals';
import { isAppError } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import fc from 'fast-check';
import type { Client } from 'pg';
import { openSession } from '../src/database/open-session.ts';
import type { RecordedEvent } from '../src/index.ts';
import { appendEvents } from '../src/log/append-events.ts';
import { loadStreams } from '../src/log/load-streams.ts';
import { ensureCursor, loadCursor, saveCursor } from '../src/relay/relay-cursor.ts';
import { createRelayReader } from '../src/relay/relay-reader.ts';
import { newEvent, type TestStore, useStoreFixture } from './store-fixture.ts';

type Step =
  | { do: 'begin'; session: number }
  | { do: 'commit'; session: number }
  | { do: 'rollback'; session: number }
  | { do: 'append'; session: number; stream: number; count: number }
  | { do: 'read' }
  | { do: 'restart' };

/** A window that would end between the ids of a late appender (session 0) and of the event before it (session 2). */
const LATE_APPENDER: Step[] = [
  { do: 'begin', session: 0 },
  { do: 'begin', session: 1 },
  { do: 'append', session: 2, stream: 0, count: 1 },
  { do: 'commit', session: 2 },
  { do: 'append', session: 0, stream: 0, count: 1 },
  { do: 'commit', session: 0 },
  { do: 'read' },
  { do: 'commit', session: 1 },
];

const SESSIONS = 4;
const PAGE_SIZE = 3;
const session = fc.nat({ max: SESSIONS - 1 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('begin' as const), session }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      session,
      stream: fc.nat({ max: 2 }),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('commit' as const), session }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rollback' as const), session }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

/** Transactions that take their id early or late, append to shared streams and end in any order, with a reader in between. */
class Run {
  readonly seen: RecordedEvent[] = [];
  /** For each open transaction, the streams it has appended to: another one would have to wait for them. */
  readonly open = new Map<number, Set<number>>();
  private cursor;
  private reader;

  constructor(
    private readonly sessions: readonly Client[],
    private readonly relay: Client,
    start: Awaited<ReturnType<typeof loadCursor>>,
  ) {
    this.cursor = start;
    this.reader = createRelayReader(relay, start, PAGE_SIZE);
  }

  async take(one: Step): Promise<void> {
    if (one.do === 'read') await this.read();
    else if (one.do === 'restart') await this.restart();
    else if (one.do === 'begin') await this.begin(one.session);
    else if (one.do === 'append') await this.append(one.session, one.stream, one.count);
    else await this.end(one.session, one.do);
  }

  async read(): Promise<boolean> {
    const page = await this.reader.next();
    for (const entry of page.entries) {
      if (entry.event) this.seen.push(entry.event);
      this.cursor = entry.cursor;
    }
    return page.caughtUp && page.entries.length === 0;
  }

  /** As after a crash: from the cursor of the last entry. */
  private async restart(): Promise<void> {
    await saveCursor(this.relay, 'outbox', this.cursor, []);
    this.reader = createRelayReader(this.relay, await loadCursor(this.relay, 'outbox'), PAGE_SIZE);
  }

  private async begin(session: number): Promise<void> {
    if (this.open.has(session)) return;
    await this.client(session).query('BEGIN; SELECT pg_current_xact_id()');
    this.open.set(session, new Set());
  }

  private async append(session: number, stream: number, count: number): Promise<void> {
    await this.begin(session);
    const others = [...this.open].filter(([other]) => other !== session);
    if (others.some(([, streams]) => streams.has(stream))) return;
    this.open.get(session)?.add(stream);
    const streamId = `s-${stream}`;
    const version = (await loadStreams(this.client(session), [streamId])).get(streamId)?.length ?? 0;
    const events = Array.from({ length: count }, (_, index) => newEvent(version + index + 1));
    try {
      const { outcomes } = await appendEvents(this.client(session), [{ streamId, expectedVersion: version, events }]);
      expect(outcomes[0]?.status).toBe('appended');
    } catch (error) {
      if (!isAppError(error) || error.code !== 'TRANSACTION_CONTENTION') throw error;
      await this.end(session, 'rollback');
    }
  }

  async end(session: number, how: string): Promise<void> {
    if (this.open.delete(session)) await this.client(session).query(how);
  }

  private client(session: number): Client {
    const client = this.sessions[session];
    if (!client) throw new Error(`no session ${session}`);
    return client;
  }
}

async function check(test: TestStore, clients: readonly Client[], steps: readonly Step[]): Promise<void> {
  const [relay, ...sessions] = clients as [Client, ...Client[]];
  await relay.query('TRUNCATE events, relay_cursors');
  await ensureCursor(relay, 'outbox');
  const run = new Run(sessions, relay, await loadCursor(relay, 'outbox'));
  for (const one of steps) await run.take(one);
  for (const open of run.open.keys()) await run.end(open, 'commit');
  const { rows: committed } = await test.pool.query<{ position: number }>(
    'SELECT position FROM events ORDER BY position',
  );
  // Transactions of other suites on the same server may hold the last window back for a moment.
  const done = async () => (await run.read()) && run.seen.length >= committed.length;
  await waitUntil(done, { intervalMs: 1, what: `${committed.length} events to be read` });

  const positions = run.seen.map((event) => event.position);
  expect(positions.toSorted((a, b) => a - b)).toEqual(committed.map((row) => row.position));
  for (const streamId of new Set(run.seen.map((event) => event.streamId))) {
    const versions = run.seen.filter((event) => event.streamId === streamId).map((event) => event.streamVersion);
    expect(versions).toEqual(versions.map((_, index) => index + 1));
  }
}

describe('the reader of the relay', () => {
  const fixture = useStoreFixture();

  it('when transactions interleave in any way, then it gives each committed event once and each stream in order', async () => {
    const test = await fixture.open();
    const clients = await Promise.all(Array.from({ length: SESSIONS + 1 }, () => openSession({ pool: test.pool })));
    try {
      const steps = fc.array(step, { minLength: 10, maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(steps, (taken) => check(test, clients, taken)),
        { numRuns: 40, examples: [[LATE_APPENDER]] },
      );
    } finally {
      await Promise.all(clients.map((client) => client.end()));
    }
  });
});
