import type { Store } from '@warren/event-store';
import type { AnswerConsumers, Clearance, ConsumersSeen, HeldBecause } from '../../application/answer-consumers.ts';

export interface AnswerConsumerTableOptions {
  store: Pick<Store, 'query'>;
  /** Of this process, a UUID that no other one has. */
  instance: string;
  /** How long after its last report an instance counts as lost, in milliseconds. */
  patienceMs: number;
}

/** A gone instance is forgotten later than any proof that may still be compared with it. */
const PROOF_AGE = `interval '1 minute'`;
const FORGET_AFTER = `interval '10 minutes'`;

const inMs = (parameter: string) => `now() + ${parameter}::float8 * interval '1 millisecond'`;

/** Who was away begins anew: somebody else may have had its answers meanwhile. `now()` is the moment in which the statement began. */
const REPORT = `
  WITH mine AS (
    INSERT INTO answer_consumers AS c (instance, consuming_since, queues, live_until, returns_until)
    VALUES ($1, CASE WHEN $2 THEN now() END, $3, ${inMs('$4')}, coalesce(${inMs('$5')}, '-infinity'))
    ON CONFLICT (instance) DO UPDATE SET
      consuming_since = CASE WHEN $2 THEN coalesce(CASE WHEN c.live_until > now() THEN c.consuming_since END, now()) END,
      clear_at = CASE WHEN c.live_until > now() THEN c.clear_at END,
      queues = excluded.queues, live_until = excluded.live_until, gone_at = NULL,
      returns_until = greatest(c.returns_until, excluded.returns_until)
    RETURNING *
  ), forgotten AS (
    DELETE FROM answer_consumers WHERE instance <> $1 AND greatest(gone_at, returns_until) < now() - ${FORGET_AFTER}
      AND gone_at IS NOT NULL
  ), everyone AS (
    SELECT * FROM mine UNION ALL SELECT * FROM answer_consumers WHERE instance <> $1
  )
  SELECT now() AS now,
    (SELECT min(consuming_since) FROM everyone WHERE live_until > now()) AS "consumedSince",
    (SELECT count(*) FROM everyone WHERE live_until <= now() AND gone_at IS NULL) AS lost,
    (SELECT coalesce(json_object_agg(queue, consumers), '{}') FROM (
      SELECT queue, count(*) AS consumers FROM everyone, unnest(queues) AS queue WHERE live_until > now() GROUP BY queue
    ) counted) AS expected`;

/**
 * The last word on whether orders may time out. An answer that was given before the earliest proof is applied or dead unless it came back
 * into its queue after it, which `returns_until` tells of.
 */
const CLEAR = `
  WITH mine AS (
    UPDATE answer_consumers SET clear_at = $2, returns_until = greatest(returns_until, ${inMs('$3')})
    WHERE instance = $1 RETURNING *
  ), everyone AS (
    SELECT *, live_until > now() AS live FROM (
      SELECT * FROM mine UNION ALL SELECT * FROM answer_consumers WHERE instance <> $1
    ) rows
  ), summed AS (
    SELECT count(*) FILTER (WHERE NOT live AND gone_at IS NULL) AS lost,
      count(*) FILTER (WHERE live AND (clear_at IS NULL OR clear_at < now() - ${PROOF_AGE})) AS unclear,
      min(clear_at) FILTER (WHERE live) AS until, max(returns_until) AS returns, count(consuming_since) FILTER (WHERE live) AS consuming
    FROM everyone
  )
  SELECT until, CASE WHEN consuming = 0 THEN 'unconsumed' WHEN lost > 0 THEN 'lost' WHEN unclear > 0 THEN 'others'
    WHEN returns > until THEN 'returning' END AS "heldBecause"
  FROM summed`;

const MARK_GONE = `
  UPDATE answer_consumers SET gone_at = now(), returns_until = greatest(returns_until, ${inMs('$1')})
  WHERE gone_at IS NULL AND live_until <= now()`;

/** What it gave back in its last moments has to be remembered by the others. */
const LEAVE = `
  UPDATE answer_consumers SET live_until = now(), gone_at = now(), consuming_since = NULL, queues = '{}',
    returns_until = greatest(returns_until, ${inMs('$2')})
  WHERE instance = $1`;

/** The table `answer_consumers`: a row for each instance. See docs/adr/0019. */
export function createAnswerConsumerTable({
  store,
  instance,
  patienceMs,
}: AnswerConsumerTableOptions): AnswerConsumers {
  return {
    async report({ consuming, queues, returnsInMs }) {
      const values = [instance, consuming, queues, patienceMs, returnsInMs ?? null];
      const [seen] = await store.query<ConsumersSeen>({ name: 'warren-order/consumers', text: REPORT, values });
      return seen as ConsumersSeen;
    },
    async clear(at, returnsInMs): Promise<Clearance> {
      const values = [instance, at, returnsInMs ?? null];
      const [row] = await store.query<{ until: Date | null; heldBecause: HeldBecause | null }>({ text: CLEAR, values });
      const { until = null, heldBecause } = row ?? {};
      return until === null || heldBecause ? { heldBecause: heldBecause ?? 'others' } : { until };
    },
    async markGone(restMs) {
      await store.query({ text: MARK_GONE, values: [restMs] });
    },
    async leave(returnsInMs) {
      await store.query({ text: LEAVE, values: [instance, returnsInMs ?? null] });
    },
  };
}
