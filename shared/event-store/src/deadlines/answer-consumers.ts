import type { MigrationSet } from '../database/migrate.ts';
import type { Store } from '../store/store.ts';

/**
 * SQL that creates the table of {@link createAnswerConsumers}. It is part of released migrations, so it never changes.
 * @param comment describes the table in the database
 */
export const answerConsumersTable = (comment: string): string => `
  CREATE TABLE answer_consumers (
    instance        uuid PRIMARY KEY,
    consuming_since timestamptz,
    queues          text[] NOT NULL,
    live_until      timestamptz NOT NULL,
    clear_at        timestamptz,
    returns_until   timestamptz NOT NULL,
    gone_at         timestamptz
  );
  COMMENT ON TABLE answer_consumers IS
    '${comment}';
  COMMENT ON COLUMN answer_consumers.consuming_since IS 'Since when it has consumed all answer queues; null while it does not';
  COMMENT ON COLUMN answer_consumers.queues IS 'The answer queues on which the broker ought to count a consumer of it';
  COMMENT ON COLUMN answer_consumers.live_until IS 'Without another word by then it counts as lost';
  COMMENT ON COLUMN answer_consumers.clear_at IS 'No answer that was given before this time is in its hand';
  COMMENT ON COLUMN answer_consumers.returns_until IS 'By then every answer that it gave back or moved to a retry queue is in its queue again';
  COMMENT ON COLUMN answer_consumers.gone_at IS 'When it said goodbye, or the broker was seen to have no consumer of it any more';`;

const COMMENT =
  'The instances of the service, as each last described itself: what has to be known before a deadline may pass (docs/adr/0019)';

/** For services that have deadlines; run after their own migrations, one of which may have made the table. */
export const deadlineMigrations: MigrationSet = {
  namespace: 'kit-deadlines',
  migrations: [
    {
      number: 1,
      name: 'answer consumers',
      sql: `DO $$ BEGIN IF to_regclass('answer_consumers') IS NULL THEN ${answerConsumersTable(COMMENT)} END IF; END $$`,
    },
  ],
};

/** What an instance says of itself at each look. */
export interface ConsumerReport {
  /** Whether it really consumes all answer queues. */
  consuming: boolean;
  /** The answer queues on which the broker counts a consumer of it. */
  queues: readonly string[];
  /**
   * After this many milliseconds every answer that it has given back or moved to a retry queue is in its queue again; undefined when it has
   * said so before.
   */
  returnsInMs: number | undefined;
}

/** What all instances together look like, by the database's clock. */
export interface ConsumersSeen {
  now: Date;
  /** Since when the answer queues have been consumed without a break; null while nobody consumes them. */
  consumedSince: Date | null;
  /** How many consumers the broker ought to count, by queue. */
  expected: Readonly<Record<string, number>>;
  /** Instances that fell silent without a goodbye: they may still hold answers. */
  lost: number;
}

export type AnswerConsumers = ReturnType<typeof createAnswerConsumers>;

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
 * The last word on whether deadlines may pass. An answer that was given before the earliest proof is applied or dead unless it came back
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
    WHEN returns > until THEN 'returning' END AS held
  FROM summed`;

const HELD = {
  lost: 'an instance of the service fell silent without a goodbye, and may still hold answers',
  others: 'another instance of the service has answers in hand',
  returning: 'answers that failed are on their way back from a retry queue',
  unconsumed: 'nobody consumes the answer queues',
};

const MARK_GONE = `
  UPDATE answer_consumers SET gone_at = now(), returns_until = greatest(returns_until, ${inMs('$1')})
  WHERE gone_at IS NULL AND live_until <= now()`;

/** What it gave back in its last moments has to be remembered by the others. */
const LEAVE = `
  UPDATE answer_consumers SET live_until = now(), gone_at = now(), consuming_since = NULL, queues = '{}',
    returns_until = greatest(returns_until, ${inMs('$2')})
  WHERE instance = $1`;

/**
 * The instances that consume the answer queues of a service, each as it last described itself: table `answer_consumers`, docs/adr/0019.
 * @param instance of this process, a UUID that no other one has
 * @param patienceMs how long after its last report an instance counts as lost, in milliseconds
 */
export function createAnswerConsumers(store: Pick<Store, 'query'>, instance: string, patienceMs: number) {
  return {
    /** Describes this instance. It counts as lost when it has not done so again after `patienceMs`, and then begins anew. */
    async report({ consuming, queues, returnsInMs }: ConsumerReport): Promise<ConsumersSeen> {
      const values = [instance, consuming, queues, patienceMs, returnsInMs ?? null];
      const [seen] = await store.query<ConsumersSeen>({ name: 'warren/answer-consumers', text: REPORT, values });
      return seen as ConsumersSeen;
    },
    /**
     * Notes that this instance has no answer in hand any more that was given before `at`.
     * @returns up to which moment every answer that had been given is applied or dead, or why that is not known
     */
    async clear(at: Date, returnsInMs: number | undefined): Promise<Date | string> {
      const values = [instance, at, returnsInMs ?? null];
      const [row] = await store.query<{ until: Date | null; held: keyof typeof HELD | null }>({ text: CLEAR, values });
      const { until = null, held } = row ?? {};
      return until === null || held ? HELD[held ?? 'others'] : until;
    },
    /** The broker has no consumer of the lost instances any more. What they have moved to a retry queue is back after `restMs`. */
    async markGone(restMs: number): Promise<void> {
      await store.query({ text: MARK_GONE, values: [restMs] });
    },
    /** The goodbye of this instance, whose consumers have ended. */
    async leave(returnsInMs: number | undefined): Promise<void> {
      await store.query({ text: LEAVE, values: [instance, returnsInMs ?? null] });
    },
  };
}
