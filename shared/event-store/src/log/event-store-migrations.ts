import type { Migration } from '../database/migrate.ts';

/** Namespace of {@link eventStoreMigrations}. */
export const EVENT_STORE_NAMESPACE = 'event-store';

/** The tables of the kit. Run them before the service's own (see `migrate`). Released ones never change: add to the end. */
export const eventStoreMigrations: readonly Migration[] = [
  {
    number: 1,
    name: 'event log, inbox, relay',
    sql: `
      CREATE TABLE events (
        position       bigint GENERATED ALWAYS AS IDENTITY,
        tx             xid8 NOT NULL DEFAULT pg_current_xact_id(),
        stream_id      text COLLATE "C" NOT NULL,
        stream_version integer NOT NULL CHECK (stream_version > 0),
        event_id       uuid NOT NULL,
        type           text NOT NULL,
        schema_version integer NOT NULL,
        aggregate_id   text NOT NULL,
        occurred_at    timestamptz NOT NULL,
        data           json NOT NULL,
        metadata       json NOT NULL,
        routing_key    text,
        recorded_at    timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (stream_id, stream_version)
      );
      CREATE UNIQUE INDEX events_position ON events (position);
      CREATE INDEX events_tx_position ON events (tx, position);

      COMMENT ON TABLE events IS 'The log of what happened; also the outbox, read by the relay. Rows are only ever added.';
      COMMENT ON COLUMN events.position IS 'Place in the log: increasing, with gaps; not the order of the commits';
      COMMENT ON COLUMN events.tx IS 'The transaction that recorded the event; rises along each stream';
      COMMENT ON COLUMN events.occurred_at IS 'The timestamp of the event itself';
      COMMENT ON COLUMN events.routing_key IS 'NULL for an event that stays inside the service';

      CREATE TABLE inbox (
        message_id uuid NOT NULL,
        consumer   text COLLATE "C" NOT NULL,
        PRIMARY KEY (message_id, consumer)
      );
      COMMENT ON TABLE inbox IS 'Which consumer (queue) has handled which message';

      CREATE TABLE relay_cursors (
        relay        text PRIMARY KEY,
        window_start xid8 NOT NULL,
        window_end   xid8 NOT NULL,
        position     bigint NOT NULL,
        updated_at   timestamptz NOT NULL DEFAULT now()
      );
      COMMENT ON TABLE relay_cursors IS
        'Done are all events with tx < window_start, and those with tx < window_end up to the position';

      CREATE TABLE parked_events (
        relay     text NOT NULL,
        position  bigint NOT NULL,
        stream_id text COLLATE "C" NOT NULL,
        event_id  uuid NOT NULL,
        reason    text NOT NULL,
        since     timestamptz NOT NULL DEFAULT now(),
        attempts  integer NOT NULL DEFAULT 0,
        PRIMARY KEY (relay, position)
      );
      CREATE INDEX parked_events_stream ON parked_events (relay, stream_id, position);
      CREATE INDEX parked_events_attempts ON parked_events (relay, attempts, position);
      COMMENT ON TABLE parked_events IS 'Events that no queue wanted, and those behind them in their stream; tried again by the relay';
    `,
  },
  {
    number: 2,
    name: 'age of inbox rows',
    sql: `
      ALTER TABLE inbox ADD COLUMN handled_at timestamptz NOT NULL DEFAULT now();
      -- Rows are written in the order of their age: a block range index is enough, and costs an insert next to nothing.
      CREATE INDEX inbox_handled_at ON inbox USING brin (handled_at) WITH (pages_per_range = 32, autosummarize = on);
      COMMENT ON COLUMN inbox.handled_at IS 'For the retention job';
    `,
  },
  {
    number: 3,
    name: 'archive of ended streams',
    sql: `
      CREATE TABLE archived_events (LIKE events, PRIMARY KEY (stream_id, stream_version));
      CREATE UNIQUE INDEX archived_events_position ON archived_events (position);
      -- A rebuild asks again and again for what has come since its last look.
      CREATE INDEX archived_events_tx ON archived_events (tx);
      COMMENT ON TABLE archived_events IS 'The events of streams that have ended, moved here from events as they were';
      COMMENT ON TABLE events IS
        'The log of what happened; also the outbox, read by the relay. Rows are only ever added, and archived once their stream has ended.';

      CREATE VIEW log AS SELECT * FROM archived_events UNION ALL SELECT * FROM events;
      COMMENT ON VIEW log IS 'Every event there is, wherever it lies. In the order of their positions, those of a stream are in theirs.';

      -- An append that began before its stream was archived does not see that in its own snapshot, and the row that would have been in its way
      -- is gone. Here each query has a snapshot of its own, later than the insert.
      CREATE FUNCTION refuse_archived_versions() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
      BEGIN
        IF EXISTS (
          SELECT FROM added CROSS JOIN LATERAL (
            SELECT FROM archived_events a WHERE a.stream_id = added.stream_id AND a.stream_version = added.stream_version OFFSET 0
          ) archived
        ) THEN
          RAISE EXCEPTION 'one of the streams was archived at the same moment' USING ERRCODE = 'serialization_failure';
        END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER events_archived_versions AFTER INSERT ON events REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_archived_versions();
    `,
  },
  {
    number: 4,
    name: 'when parked events were published',
    sql: `
      ALTER TABLE parked_events ADD COLUMN published_at timestamptz;
      COMMENT ON COLUMN parked_events.published_at IS 'When the broker confirmed the event at last; NULL while it is parked';
      COMMENT ON TABLE parked_events IS
        'Events that could not be published, and those behind them in their streams. The relay tries them again; it forgets those that it published a day ago.';
      DROP INDEX parked_events_stream;
      DROP INDEX parked_events_attempts;
      CREATE INDEX parked_events_waiting ON parked_events (relay, stream_id, position) WHERE published_at IS NULL;
      CREATE INDEX parked_events_published ON parked_events (relay, published_at) WHERE published_at IS NOT NULL;
    `,
  },
  {
    number: 5,
    name: 'when the relay stood where',
    sql: `
      CREATE TABLE relay_checkpoints (
        relay        text NOT NULL,
        at           timestamptz NOT NULL DEFAULT clock_timestamp(),
        window_start xid8 NOT NULL,
        window_end   xid8 NOT NULL,
        position     bigint NOT NULL,
        bound        bigint NOT NULL,
        PRIMARY KEY (relay, at)
      );
      COMMENT ON TABLE relay_checkpoints IS
        'Where a relay stood at a time, now and then: what it had passed (see relay_cursors) was confirmed or parked by then';
      COMMENT ON COLUMN relay_checkpoints.bound IS 'No event that it had passed has a higher position';
    `,
  },
  {
    number: 6,
    name: 'commits of one statement',
    sql: `
      CREATE FUNCTION refuse_commit(reason text) RETURNS text LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'not what was expected: %', reason USING ERRCODE = 'WRN01';
      END $$;
      COMMENT ON FUNCTION refuse_commit IS 'Undoes the statement that calls it, because a check within it has failed (docs/adr/0026)';
    `,
  },
];
