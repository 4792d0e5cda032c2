import { beforeAll, describe, expect, it } from '@jest/globals';
import { createId } from '@warren/kernel';
import { openSession } from '../src/database/open-session.ts';
import { EVENT_STORE_NAMESPACE, eventStoreMigrations, migrate } from '../src/index.ts';
import { APPEND_FIRST } from '../src/log/append-events.ts';
import { CLAIM_MESSAGES } from '../src/log/claim-messages.ts';
import { commitStatement } from '../src/log/commit-statement.ts';
import { KEYED_PLANS } from '../src/log/keyed-plans.ts';
import { LOAD_STREAMS } from '../src/log/load-streams.ts';
import { ARCHIVE_STREAMS } from '../src/operations/archive-streams.ts';
import { IDS_FROM_ELSEWHERE } from '../src/operations/repair-after-restore.ts';
import { LOAD_EVENTS } from '../src/relay/parked-rows.ts';
import { READ_LAG } from '../src/relay/relay-lag.ts';
import { CONTINUE_WINDOW, OPEN_WINDOW } from '../src/relay/relay-reader.ts';
import { newEvent, useStoreFixture } from './store-fixture.ts';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Conflict Arbiter Indexes'?: string[];
  Plans?: PlanNode[];
}

const ROWS = 100_000;

const listed = (items: string[]): string => (items.length > 0 ? `(${items.join(', ')})` : '');

describe.each([
  {
    log: 'a log of 100,000 events',
    schema: 'plans',
    stored: ROWS,
    analyzed: true,
    modes: ['custom', 'generic', 'keyed'],
  },
  {
    log: 'a log that has grown to 100,000 events before its first ANALYZE',
    schema: 'young_plans',
    stored: ROWS,
    analyzed: false,
    modes: ['custom', 'generic', 'keyed'],
  },
  // A connection keeps these plans while the log grows.
  { log: 'an empty log', schema: 'first_plans', stored: 0, analyzed: false, modes: ['keyed'] },
])('the plans on $log', ({ schema, stored, analyzed, modes }) => {
  const fixture = useStoreFixture();
  /** The log's transaction ids lie below this one, as on any healthy server, however young it is. */
  let horizon = 0;
  const idAt = (share: number): string => String(Math.floor(horizon * share));

  beforeAll(async () => {
    await migrate({ url: fixture.url, schema, namespace: EVENT_STORE_NAMESPACE, migrations: eventStoreMigrations });
    const pool = fixture.openPool(schema, { statementTimeoutMs: 300_000 });
    const { rows } = await pool.query<{ id: string }>('SELECT pg_current_xact_id() AS id');
    horizon = Number(rows[0]?.id);
    // Each in a transaction of its own: one that stays open for long holds up the relays of the other suites.
    const statements = [
      'ALTER TABLE events SET (autovacuum_enabled = off)',
      'ALTER TABLE inbox SET (autovacuum_enabled = off)',
      'ALTER TABLE archived_events SET (autovacuum_enabled = off)',
      `INSERT INTO events (tx, stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key)
      SELECT (n::bigint * ${horizon} / ${ROWS})::text::xid8, 's-' || n / 5, n % 5 + 1, gen_random_uuid(), 'Counted', 1, 'a', now(), '{}', '{}', 'counted'
      FROM generate_series(0, ${stored - 1}) n`,
      `INSERT INTO archived_events
      SELECT position - ${ROWS}, '0', 'old-' || stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key, recorded_at FROM events`,
      `INSERT INTO inbox SELECT gen_random_uuid(), 'queue' FROM generate_series(1, ${stored})`,
      `INSERT INTO relay_cursors VALUES ('outbox', '${idAt(0.999)}', '${idAt(0.999)}', 0)`,
      `INSERT INTO parked_events SELECT 'outbox', position, stream_id, event_id, 'no queue' FROM events WHERE position % 5 = 0`,
      ...(analyzed ? ['ANALYZE events, archived_events, inbox, relay_cursors, parked_events'] : []),
    ];
    for (const statement of statements) await pool.query(statement);
  });

  /** Every node of the plan: made for values that the planner knows, for any, or by the settings of the store's own transactions. */
  async function planOf(sql: string, types: string[], values: unknown[], mode: string): Promise<PlanNode[]> {
    const session = await openSession({ pool: fixture.openPool(schema) });
    try {
      await session.query(mode === 'keyed' ? KEYED_PLANS : `SET plan_cache_mode = force_${mode}_plan`);
      await session.query(`PREPARE statement ${listed(types)} AS ${sql}`);
      const literals = values.map((value) => session.escapeLiteral(String(value)));
      const { rows } = await session.query(`EXPLAIN (FORMAT JSON) EXECUTE statement ${listed(literals)}`);
      const flat = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flat)];
      return flat(rows[0]['QUERY PLAN'][0].Plan);
    } finally {
      await session.end();
    }
  }

  const ids = Array.from({ length: 200 }, createId);
  const streams = `{${ids.map((_, n) => `s-${n * 90}`).join(',')}}`;
  const each = (value: unknown) => `{${ids.map(() => value).join(',')}}`;
  const eventTypes = [
    'text[]',
    'int[]',
    'uuid[]',
    'text[]',
    'int[]',
    'text[]',
    'timestamptz[]',
    'json[]',
    'json[]',
    'text[]',
  ];
  const events = [
    streams,
    each(6),
    `{${ids}}`,
    each('Counted'),
    each(1),
    each('a'),
    each('2026-11-21'),
    each('1'),
    each('1'),
    each('counted'),
  ];

  const commit = commitStatement({
    claim: { consumer: 'queue', messageIds: ids, repeated: 0 },
    before: [],
    events: ids.map((id, n) => ({
      event: newEvent(n, { id, data: 1, metadata: 1 as never }),
      ...{ streamId: `s-${n * 90}`, streamVersion: 6, expectedVersion: 5 },
    })),
    after: [],
  });

  // Run once in a while, where a look at the whole of a young log does no harm.
  const rare = [
    {
      what: 'the lag',
      sql: READ_LAG,
      types: ['text', 'bigint[]'],
      values: () => ['outbox', '{1,2}'],
      indexes: ['events_tx_position'],
    },
    {
      what: 'ids of the future',
      sql: IDS_FROM_ELSEWHERE,
      types: [],
      values: () => [],
      indexes: ['events_tx_position', 'archived_events_tx'],
    },
  ];

  const cases: { what: string; sql: string; types: string[]; values: () => unknown[]; indexes: string[] }[] = [
    {
      what: 'opening a window',
      sql: OPEN_WINDOW,
      types: ['xid8', 'int', 'bigint[]'],
      values: () => [idAt(0.999), 500, '{99990,99991}'],
      indexes: ['events_tx_position'],
    },
    {
      what: 'opening a window, where walking the log from its start looks cheaper than sorting',
      sql: OPEN_WINDOW,
      types: ['xid8', 'int', 'bigint[]'],
      values: () => [idAt(0.8), 1, '{}'],
      indexes: ['events_tx_position'],
    },
    {
      what: 'continuing a window',
      sql: CONTINUE_WINDOW,
      types: ['xid8', 'xid8', 'bigint', 'bigint', 'int', 'bigint[]'],
      values: () => ['0', idAt(0.999), 50_000, 99_000, 500, '{50001,50002}'],
      indexes: ['events_position'],
    },
    {
      what: 'loading streams',
      sql: LOAD_STREAMS,
      types: ['text[]'],
      values: () => [streams],
      indexes: ['events_pkey', 'archived_events_pkey'],
    },
    {
      what: 'appending',
      sql: APPEND_FIRST,
      types: eventTypes,
      values: () => events,
      indexes: ['events_pkey', 'archived_events_pkey'],
    },
    {
      what: 'archiving',
      sql: ARCHIVE_STREAMS,
      types: ['bigint', 'bigint', 'float8', 'text[]'],
      values: () => [50_000, 1000, 0, '{Counted}'],
      indexes: ['events_position', 'events_pkey'],
    },
    {
      what: 'loading parked events',
      sql: LOAD_EVENTS,
      types: ['bigint[]'],
      values: () => [`{${ids.map((_, n) => n * 90)}}`],
      indexes: ['events_position'],
    },
    {
      what: 'reading the log',
      sql: 'SELECT position, data FROM log WHERE position > $1 ORDER BY position LIMIT $2',
      types: ['bigint', 'int'],
      values: () => [50_000, 500],
      indexes: ['archived_events_position', 'events_position'],
    },
    {
      what: 'claiming',
      sql: CLAIM_MESSAGES,
      types: ['text', 'uuid[]'],
      values: () => ['queue', `{${ids}}`],
      indexes: ['inbox_pkey'],
    },
    {
      what: 'committing',
      sql: commit.text,
      types: [],
      values: () => commit.values.map((value) => (Array.isArray(value) ? `{${value}}` : value)),
      indexes: ['inbox_pkey', 'events_pkey', 'archived_events_pkey'],
    },
    ...(analyzed ? rare : []),
  ];

  it.each(cases.flatMap((one) => modes.map((mode) => ({ ...one, mode }))))(
    'when planning for $what ($mode), then the log and the inbox are read by their indexes',
    async ({ sql, types, values, indexes, mode }) => {
      const nodes = await planOf(sql, types, values(), mode);

      const used = nodes.flatMap((node) => [node['Index Name'], ...(node['Conflict Arbiter Indexes'] ?? [])]);
      expect(used).toEqual(expect.arrayContaining(indexes));
      const scanned = nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name']);
      expect(scanned).not.toContain('events');
      expect(scanned).not.toContain('archived_events');
      expect(scanned).not.toContain('inbox');
      if (sql === OPEN_WINDOW) expect(used).not.toContain('events_position');
    },
  );

  it('when events were appended, then the look for their versions in the archive has used its index', async () => {
    const session = await openSession({ pool: fixture.openPool(schema) });
    try {
      await session.query('BEGIN');
      await session.query(APPEND_FIRST, events);
      const statistics = "SELECT seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'archived_events'";
      const { rows } = await session.query<{ seq_scan: string; idx_scan: string }>(statistics);
      expect(Number(rows[0]?.seq_scan)).toBe(0);
      expect(Number(rows[0]?.idx_scan)).toBeGreaterThan(0);
    } finally {
      await session.end();
    }
  });
});
