import type { Logger } from '@warren/kernel';
import pg from 'pg';
import { isConfirmed, relayStandAt } from '../relay/confirm-history.ts';
import { streamOf } from '../store/aggregate-log.ts';
import { snakeCase } from '../store/sql.ts';
import type { Store } from '../store/store.ts';
import type { Deadline } from './define-deadline.ts';

/**
 * Selects streams that still wait although the broker had confirmed their first event by `$1`: at most `$2`, and none of `$3`. `position` only
 * bounds the search; the event decides. An event that is no longer in `events` is archived, hence confirmed: then only the read model has
 * missed the stream's end.
 */
export function overdueSql({ aggregate, model, waiting }: Deadline): string {
  const waits = Object.entries(waiting).map(
    ([field, value]) => `waiting.${snakeCase(field)} = ${pg.escapeLiteral(value)}`,
  );
  const event = { tx: `coalesce(first.tx, '0')`, position: 'coalesce(first.position, 0)' };
  return `
  WITH stand AS MATERIALIZED (${relayStandAt(`'outbox'`, '$1::timestamptz')})
  SELECT id FROM ${model.name} waiting
  LEFT JOIN LATERAL (
    SELECT tx, position FROM events WHERE stream_id = ${pg.escapeLiteral(streamOf(aggregate, ''))} || waiting.id AND stream_version = 1 OFFSET 0
  ) first ON true
  CROSS JOIN LATERAL (SELECT * FROM stand OFFSET 0) stand
  WHERE ${waits.join(' AND ')} AND waiting.position <= (SELECT bound FROM stand) AND id::text <> ALL ($3::text[])
    AND ${isConfirmed(event, 'stand')}
  ORDER BY waiting.position LIMIT $2`;
}

/** Returns the ids of streams whose deadline had passed at `now` (by the database's clock), in log order: at most `limit`, and none of `except`. */
export async function listOverdue(
  store: Pick<Store, 'query'>,
  deadline: Deadline,
  now: Date,
  { limit, except = [] }: { limit: number; except?: readonly string[] },
): Promise<string[]> {
  const confirmedBy = new Date(now.getTime() - deadline.limitMs);
  const rows = await store.query<{ id: string }>({ text: overdueSql(deadline), values: [confirmedBy, limit, except] });
  return rows.map(({ id }) => id);
}

/**
 * Decides `overdue` for the streams whose deadline had passed at `now`, `batch` at once, until none is left or the signal is aborted; returns
 * how many it found. Several instances may find the same streams: the first to append wins, and the others decide again on a stream that no
 * longer waits.
 * @throws database errors
 */
export async function decideOverdue(
  { store, logger }: { store: Pick<Store, 'query' | 'decideEach'>; logger: Logger },
  deadline: Deadline,
  now: Date,
  { batch, signal }: { batch: number; signal?: AbortSignal },
): Promise<number> {
  const { aggregate, overdue } = deadline;
  // Undecided streams may stay overdue. If they were not excluded, a batch of them would hide all others.
  const undecided = new Set<string>();
  let found = 0;
  for (;;) {
    const ids = await listOverdue(store, deadline, now, { limit: batch, except: [...undecided] });
    found += ids.length;
    const inputs = ids.map((id) => overdue(id) as never);
    for (const [at, outcome] of (await store.decideEach(aggregate, inputs)).entries()) {
      const id = ids[at] as string;
      if (outcome instanceof Error)
        logger.error({ err: outcome, aggregate: aggregate.category, id }, 'could not decide an overdue stream');
      if (outcome instanceof Error || outcome.ignored !== undefined) undecided.add(id);
    }
    if (ids.length < batch || signal?.aborted) return found;
  }
}
