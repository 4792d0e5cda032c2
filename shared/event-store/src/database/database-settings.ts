import { formats, type processSettings, type Settings, setting } from '@warren/kernel';
import type { RelayPace } from '../relay/relay.ts';
import type { PoolOptions } from './create-pool.ts';

const WEEK_MS = 604_800_000;
const MONTH_MS = 2_592_000_000;

/** The settings of a service that has a database. */
export const databaseSettings = {
  databaseUrl: setting({
    env: 'DATABASE_URL',
    doc: 'The database, e.g. postgres://user:password@localhost:5432/warren. Each service has its tables in a schema of its own.',
    format: formats.url('postgres:', 'postgresql:'),
    secret: true,
  }),
  databasePoolSize: setting({
    env: 'DATABASE_POOL_SIZE',
    doc: 'The most connections to the database at the same moment: half of them for writes, which stay open, the others for reads.',
    format: formats.integer(2, 1000),
    default: 10,
  }),
  statementTimeoutMs: setting({
    env: 'DATABASE_STATEMENT_TIMEOUT_MS',
    doc: 'A statement that takes longer fails, in milliseconds; so does one that a broken connection leaves without an answer.',
    format: formats.integer(100, 600_000),
    default: 5000,
  }),
  inboxKeepMs: setting({
    env: 'INBOX_KEEP_MS',
    doc: 'How long a handled message is remembered, in milliseconds; a copy that comes later is handled again.',
    format: formats.integer(3_600_000, 31_536_000_000),
    default: WEEK_MS,
  }),
  streamKeepMs: setting({
    env: 'STREAM_KEEP_MS',
    doc: 'How long after its end a stream stays in the table events, in milliseconds; then it goes to archived_events, where it is still read.',
    format: formats.integer(1000, 31_536_000_000),
    default: MONTH_MS,
  }),
};

/** The options of a pool that the settings of a service decide. */
export function poolOptionsOf(
  settings: Pick<Settings<typeof databaseSettings>, 'databaseUrl' | 'databasePoolSize' | 'statementTimeoutMs'>,
): Pick<PoolOptions, 'url' | 'max' | 'statementTimeoutMs'> {
  const { databaseUrl: url, databasePoolSize: max, statementTimeoutMs } = settings;
  return { url, max, statementTimeoutMs };
}

/** The options of a relay that the settings of a service decide. */
export function relayOptionsOf({
  drainTimeoutMs,
}: Pick<Settings<typeof processSettings>, 'drainTimeoutMs'>): Pick<RelayPace, 'drainMs'> {
  // The bus may take a quarter after it (`publisherOptionsOf`), and the lifecycle gives each component half of what is left.
  return { drainMs: drainTimeoutMs / 5 };
}
