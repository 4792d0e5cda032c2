import type { MigrationSet } from '../database/migrate.ts';
import type { Store } from '../store/store.ts';

/**
 * SQL that creates the table of {@link createAnswerConsumers}. It is part of released migrations, so it never changes.
 * @param comment describes the table in the database
 */
export const answerConsumersTable = (
  comment = 'The instances of the service, as each last described itself: what has to be known before a deadline may pass (docs/adr/0019)',
): string => `
  CREATE TABLE answer_consumers (
    instance        uuid PRIMARY KEY,
    consuming_since timestamptz,
    queues          text[] NOT NULL,
    live_until      timestamptz NOT NULL,
    clear_at        timestamptz,
    returns_until   timestamptz NOT NULL,
    gone_at         timestamptz
  );
  COMMENT ON TABLE answer_consumers IS '${comment}';
  COMMENT ON COLUMN answer_consumers.consuming_since IS 'Since when it has consumed all answer queues; null while it does not';
  COMMENT ON COLUMN answer_consumers.queues IS 'The answer queues on which the broker ought to count a consumer of it';
  COMMENT ON COLUMN answer_consumers.live_until IS 'Without another word by then it counts as lost';
  COMMENT ON COLUMN answer_consumers.clear_at IS 'No answer that was given before this time is in its hand';
  COMMENT ON COLUMN answer_consumers.returns_until IS 'By then every answer that it gave back or moved to a retry queue is in its queue again';
  COMMENT ON COLUMN answer_consumers.gone_at IS 'When it said goodbye, or the broker was seen to have no consumer of it any more';`;

/** For services that have deadlines. Run after their own migrations, one of which may have created the table. */
export const deadlineMigrations: MigrationSet = {
  namespace: 'kit-deadlines',
  migrations: [
    {
      number: 1,
      name: 'answer consumers',
      sql: `DO $$ BEGIN IF to_regclass('answer_consumers') IS NULL THEN ${answerConsumersTable()} END IF; END $$`,
    },
  ],
};

/** What an instance reports about itself at each check. */
export interface ConsumerReport {
  /** Whether the instance actually consumes all answer queues. */
  consuming: boolean;
  /** The answer queues on which the broker counts a consumer of this instance. */
  queues: readonly string[];
  /**
   * After this many milliseconds, every answer that the instance has requeued or moved to a retry queue is back in its queue; undefined if it
   * has already reported this.
   */
  returnsInMs: number | undefined;
}

/** The combined state of all instances, by the database's clock. */
export interface ConsumersSeen {
  now: Date;
  /** Since when the answer queues have been consumed without interruption; null while nobody consumes them. */
  consumedSince: Date | null;
  /** How many consumers the broker should count, by queue. */
  expected: Readonly<Record<string, number>>;
  /** Number of instances that stopped reporting without leaving: they may still hold answers. */
  lost: number;
}

export type AnswerConsumers = ReturnType<typeof createAnswerConsumers>;

/** The row of a gone instance outlives every proof that may still be compared with it. */
const PROOF_AGE = `interval '1 minute'`;
const FORGET_AFTER = `interval '10 minutes'`;

const inMs = (parameter: string) => `now() + ${parameter}::float8 * interval '1 millisecond'`;

/** An instance that was lost starts from scratch: another instance may have had its answers meanwhile. `now()` is the start of the statement. */
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
 * Decides whether deadlines may pass. An answer that was given before the earliest proof is applied or dead, unless it returned to its queue
 * after that proof; `returns_until` covers that case.
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
    WHEN returns > until THEN 'returning' END AS held
  FROM summed`;

const HELD = {
  lost: 'an instance of the service stopped reporting without leaving, and may still hold answers',
  others: 'another instance of the service has unsettled answers',
  returning: 'answers that failed are on their way back from a retry queue',
  unconsumed: 'nobody consumes the answer queues',
};

const MARK_GONE = `
  UPDATE answer_consumers SET gone_at = now(), returns_until = greatest(returns_until, ${inMs('$1')})
  WHERE gone_at IS NULL AND live_until <= now()`;

/** Keeps the row, so that other instances know of the answers that this instance requeued at its end. */
const LEAVE = `
  UPDATE answer_consumers SET live_until = now(), gone_at = now(), consuming_since = NULL, queues = '{}',
    returns_until = greatest(returns_until, ${inMs('$2')})
  WHERE instance = $1`;

/**
 * Keeps the table `answer_consumers`: the last report of each instance that consumes the answer queues of a service (docs/adr/0019).
 * @param instance unique UUID of this process
 * @param patienceMs how long after its last report an instance counts as lost, in milliseconds
 */
export function createAnswerConsumers(store: Pick<Store, 'query'>, instance: string, patienceMs: number) {
  return {
    /** Reports the state of this instance. Without another report within `patienceMs` it counts as lost, and then starts from scratch. */
    async report({ consuming, queues, returnsInMs }: ConsumerReport): Promise<ConsumersSeen> {
      const values = [instance, consuming, queues, patienceMs, returnsInMs ?? null];
      const [seen] = await store.query<ConsumersSeen>({ name: 'warren/answer-consumers', text: REPORT, values });
      return seen as ConsumersSeen;
    },
    /**
     * Records that this instance has settled every answer that was given before `at`.
     * @returns the time before which every answer given is applied or dead, or the reason why that is not known
     */
    async clear(at: Date, returnsInMs: number | undefined): Promise<Date | string> {
      const values = [instance, at, returnsInMs ?? null];
      const [row] = await store.query<{ until: Date | null; held: keyof typeof HELD | null }>({ text: CLEAR, values });
      const { until = null, held } = row ?? {};
      return until === null || held ? HELD[held ?? 'others'] : until;
    },
    /** Records that the broker no longer counts consumers of the lost instances. Answers that they moved to a retry queue are back after `restMs`. */
    async markGone(restMs: number): Promise<void> {
      await store.query({ text: MARK_GONE, values: [restMs] });
    },
    /** Records that this instance leaves. Call it after its consumers have ended. */
    async leave(returnsInMs: number | undefined): Promise<void> {
      await store.query({ text: LEAVE, values: [instance, returnsInMs ?? null] });
    },
  };
}
