import type { Migration } from '@warren/event-store';

/**
 * The tables of the figures. A migration that has been released is never changed; a change is a new one.
 *
 * Every figure belongs to a read model, so that a new one can be filled beside the one that answers.
 */
export const analyticsMigrations: readonly Migration[] = [
  {
    number: 1,
    name: 'figures',
    sql: `
      CREATE TABLE read_model (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        replay_id uuid UNIQUE,
        state text NOT NULL CHECK (state IN ('building', 'live', 'retired', 'cleared')),
        starts_from json NOT NULL,
        read_offset bigint,
        target_offset bigint,
        events bigint NOT NULL DEFAULT 0,
        announced_events bigint NOT NULL DEFAULT 0,
        started_at timestamptz NOT NULL,
        finished_at timestamptz
      );
      COMMENT ON TABLE read_model IS 'Sets of figures. read_offset is moved in the transaction that counts what is up to it.';
      CREATE UNIQUE INDEX read_model_one_live ON read_model (state) WHERE state = 'live';
      CREATE UNIQUE INDEX read_model_one_building ON read_model (state) WHERE state = 'building';
      INSERT INTO read_model (state, starts_from, started_at) VALUES ('live', '"first"', now());

      CREATE TABLE order_fact (
        model bigint NOT NULL,
        order_id text COLLATE "C" NOT NULL,
        created_at timestamptz,
        total_cents bigint,
        currency text COLLATE "C",
        products json,
        confirmed_at timestamptz,
        cancelled_at timestamptz,
        touched_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (model, order_id)
      ) WITH (fillfactor = 80);
      COMMENT ON TABLE order_fact IS 'What is known of each order, until nothing more is expected of it.';
      CREATE INDEX order_fact_touched ON order_fact (touched_at);

      CREATE TABLE minute_type (
        model bigint NOT NULL,
        minute timestamptz NOT NULL,
        type text COLLATE "C" NOT NULL,
        count bigint NOT NULL,
        PRIMARY KEY (model, minute, type)
      );
      CREATE TABLE minute_orders (
        model bigint NOT NULL,
        minute timestamptz NOT NULL,
        created bigint NOT NULL,
        confirmed bigint NOT NULL,
        cancelled bigint NOT NULL,
        PRIMARY KEY (model, minute)
      );
      CREATE TABLE minute_revenue (
        model bigint NOT NULL,
        minute timestamptz NOT NULL,
        currency text COLLATE "C" NOT NULL,
        cents bigint NOT NULL,
        PRIMARY KEY (model, minute, currency)
      );
      CREATE TABLE minute_latency (
        model bigint NOT NULL,
        minute timestamptz NOT NULL,
        bucket integer NOT NULL,
        count bigint NOT NULL,
        PRIMARY KEY (model, minute, bucket)
      );
      CREATE TABLE product_sales (
        model bigint NOT NULL,
        product_id text COLLATE "C" NOT NULL,
        quantity bigint NOT NULL,
        orders bigint NOT NULL,
        PRIMARY KEY (model, product_id)
      );
      CREATE INDEX product_sales_top ON product_sales (model, quantity DESC, product_id);
    `,
  },
  {
    number: 2,
    name: 'revenue-without-limit',
    sql: 'ALTER TABLE minute_revenue ALTER COLUMN cents TYPE numeric;',
  },
];
