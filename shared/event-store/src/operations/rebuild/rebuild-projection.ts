import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, silentLogger } from '@warren/kernel';
import type { Client } from 'pg';
import { assertSchemaName, type DatabasePool } from '../../database/create-pool.ts';
import { translateDatabaseError } from '../../database/database-errors.ts';
import { openSession } from '../../database/open-session.ts';
import type { InlineProjection, RecordedEvent } from '../../log/event-store.ts';
import { storeErrors } from '../../log/store-errors.ts';
import { findIdsFromElsewhere } from '../repair-after-restore.ts';
import { findCulprit } from './find-culprit.ts';
import { createLogPasses, type LogPasses } from './log-passes.ts';
import { createProgressReport, type ProgressReport, type RebuildProgress } from './rebuild-progress.ts';
import { createShadowTables, type ShadowTables } from './shadow-tables.ts';

export interface RebuildOptions {
  /** A pool on the schema that has the log and the projection's tables. The rebuild opens two more connections. */
  pool: DatabasePool;
  projection: InlineProjection;
  /** Number of events read and applied at once; two pages are in memory at a time. @default 5000 */
  pageSize?: number;
  /** How long to keep trying to lock the tables, in milliseconds. @default 600000 */
  patienceMs?: number;
  /** Called after each page and at the start of each phase. */
  onProgress?(progress: RebuildProgress): void;
  logger?: Logger;
}

/** The result of a rebuild. */
export interface RebuildResult {
  /** Number of events applied to the new tables. */
  events: number;
  durationMs: number;
}

interface Rebuild {
  writer: Client;
  passes: LogPasses;
  shadow: ShadowTables;
  projection: InlineProjection;
  pageSize: number;
  report: ProgressReport;
}

/** While a try waits for the lock, so do all readers and writers of the tables. The wait doubles from try to try, up to the longest. */
const FIRST_LOCK_MS = 100;
/** Longer than `deadlock_timeout`, after which Postgres cancels an autovacuum that blocks the lock. */
const LONGEST_LOCK_MS = 2000;
/** The pause between two tries, as a multiple of the failed wait. */
const PAUSE_FACTOR = 4;

/**
 * Rebuilds the tables of a projection from the log, next to those in use, while services continue to read and write them. At the end it swaps
 * the tables under a lock, which it holds for as long as it takes to apply the last few events. If it fails before that, even by a crash, the
 * tables in use stay as they were, and the next rebuild removes what is left of this one.
 * @throws `PROJECTION_NOT_REBUILDABLE`, `REBUILD_UNDER_WAY`, `REBUILD_OVERTAKEN`, `LOG_NOT_REPAIRED`; `DATABASE_TIMEOUT` when the tables could not be locked;
 * `DATABASE_UNAVAILABLE`, `DATABASE_FAULT`; what the projection throws, naming the event that could not be applied
 */
export async function rebuildProjection(options: RebuildOptions): Promise<RebuildResult> {
  const { pool } = options;
  const applicationName = `${pool.options.application_name ?? 'warren'} rebuild`;
  const sessions: Client[] = [];
  const open = async () => {
    const session = await openSession({ pool, applicationName, unlimited: true });
    sessions.push(session);
    return session;
  };
  try {
    return await rebuildOn(await open(), await open(), options);
  } catch (error) {
    throw translateDatabaseError(error);
  } finally {
    // Releases the lock.
    await Promise.all(sessions.map((session) => session.end()));
  }
}

async function rebuildOn(writer: Client, reader: Client, options: RebuildOptions): Promise<RebuildResult> {
  const { projection, pageSize = 5000, patienceMs = 600_000, onProgress = () => {}, logger = silentLogger } = options;
  const report = createProgressReport(onProgress);
  const shadow = await prepareShadow(writer, projection);
  await assertRepaired(reader);
  try {
    await shadow.create();
    const rebuild = { writer, passes: await createLogPasses(reader, pageSize), shadow, projection, pageSize, report };
    await replayAll(rebuild);
    await swap(rebuild, patienceMs);
  } catch (error) {
    await clearAway(writer, shadow, logger);
    throw error;
  }
  const result = { events: report.done, durationMs: report.elapsedMs };
  logger.info({ projection: projection.name, ...result }, 'a projection was rebuilt');
  return result;
}

/** Takes the lock that allows one rebuild of a projection at a time, and chooses the schema of the new tables. */
async function prepareShadow(writer: Client, { name, tables }: InlineProjection): Promise<ShadowTables> {
  const { rows } = await writer.query<{ schema: string; locked: boolean }>(
    `SELECT current_schema() AS schema,
       pg_try_advisory_lock(hashtextextended('warren/rebuild/' || current_schema() || '/' || $1, 0)) AS locked`,
    [name],
  );
  const { schema, locked } = rows[0] as { schema: string | null; locked: boolean | null };
  if (tables.length === 0) throw storeErrors.PROJECTION_NOT_REBUILDABLE(`the projection ${name} keeps no tables`);
  if (schema === null)
    throw storeErrors.PROJECTION_NOT_REBUILDABLE(
      `the projection ${name} has no tables here: has the service been started on this database?`,
    );
  if (!locked) throw storeErrors.REBUILD_UNDER_WAY(`the projection ${name} is being rebuilt already`);
  const shadow = `${schema}_rebuild_${name}`;
  assertSchemaName(shadow);
  return createShadowTables({ client: writer, schema, shadow, tables });
}

/** Events whose transaction ids are from another server would be in no pass. */
async function assertRepaired(reader: Client): Promise<void> {
  const { inLog, inArchive } = await findIdsFromElsewhere(reader);
  if (inLog || inArchive)
    throw storeErrors.LOG_NOT_REPAIRED(
      'the log was restored from another server: start its service once, then try again',
    );
}

async function replayAll(rebuild: Rebuild): Promise<void> {
  const { writer, shadow, report } = rebuild;
  // Nobody uses the new tables yet: if the server crashes, the next rebuild starts over anyway. The commit of the swap is synchronous, and
  // what was committed before it is on disk when it is.
  await writer.query('SET synchronous_commit = off');
  await replay(rebuild, committing(rebuild));
  report.enter('indexing');
  await shadow.finish();
}

type Apply = (events: RecordedEvent[]) => Promise<void>;

const applying = ({ writer, projection }: Rebuild): Apply => {
  const tx = { query: writer.query.bind(writer) };
  return (events) => projection.apply(tx, events);
};

/** One transaction per page: none is open for long, because the relays wait for the oldest (docs/adr/0003). */
const committing = (rebuild: Rebuild): Apply => {
  const apply = applying(rebuild);
  return async (events) => {
    await rebuild.writer.query('BEGIN');
    try {
      await apply(events);
    } catch (failure) {
      throw await findCulprit(rebuild.writer, { events, failure, apply });
    }
    await rebuild.writer.query('COMMIT');
  };
};

/** Applies the events committed since the last call. @returns how many there were */
async function replay({ passes, report }: Rebuild, apply: Apply): Promise<number> {
  const pass = await passes.next();
  report.expect(pass.count);
  for await (const events of pass.pages()) {
    await apply(events);
    report.advance(events.length);
  }
  return pass.count;
}

/**
 * Catches up, then locks. Under the lock, every transaction that has written to the old tables is over and its events can be read. One that
 * has appended but not yet written waits for the lock, and then writes to the new tables.
 */
async function swap(rebuild: Rebuild, patienceMs: number): Promise<void> {
  const { writer, shadow, pageSize, report } = rebuild;
  const deadline = Date.now() + patienceMs;
  report.enter('swapping');
  for (let waitMs = FIRST_LOCK_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_LOCK_MS)) {
    while ((await replay(rebuild, committing(rebuild))) >= pageSize);
    if (await shadow.lock(waitMs)) break;
    if (Date.now() > deadline)
      throw storeErrors.DATABASE_TIMEOUT(
        `the tables are constantly in use: could not lock them within ${patienceMs} ms`,
      );
    await delay(waitMs * PAUSE_FACTOR);
  }
  await replay(rebuild, applying(rebuild));
  await shadow.replace();
  await writer.query('COMMIT');
}

/** A courtesy: the next rebuild would do it too. */
async function clearAway(writer: Client, shadow: ShadowTables, logger: Logger): Promise<void> {
  try {
    await writer.query('ROLLBACK');
    await shadow.drop();
  } catch (err) {
    logger.warn({ err }, 'the tables of a failed rebuild are still there: the next one removes them');
  }
}
