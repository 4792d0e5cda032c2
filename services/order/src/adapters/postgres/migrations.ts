import { answerConsumersTable, type Migration, UNQUOTE_IDEMPOTENCY_KEYS } from '@warren/event-store';

/** The tables of the order service. A migration that has been released is never changed; a change is a new one. */
export const orderMigrations: readonly Migration[] = [
  {
    number: 1,
    name: 'orders',
    sql: `
      CREATE TABLE orders (
        id uuid PRIMARY KEY,
        customer_id text NOT NULL,
        items json NOT NULL,
        total_amount numeric(15, 2),
        status text NOT NULL CHECK (status IN ('pending', 'confirmed', 'cancelled')),
        reason text,
        version integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
      );
      COMMENT ON TABLE orders IS 'The orders as they are now, made from the log: version is the number of events it reflects.';
      CREATE INDEX orders_by_customer ON orders (customer_id, id);
      CREATE INDEX orders_by_status ON orders (status, id);

      CREATE TABLE idempotency_keys (
        key text COLLATE "C" PRIMARY KEY,
        fingerprint text NOT NULL,
        order_id uuid NOT NULL,
        used_at timestamptz NOT NULL DEFAULT now()
      );
      COMMENT ON TABLE idempotency_keys IS 'The first use of each Idempotency-Key: what was asked for, and the order it made.';
    `,
  },
  {
    number: 2,
    name: 'deadlines',
    sql: `
      -- The default serves orders from before, and an instance of the version before that runs beside this one.
      ALTER TABLE orders ADD COLUMN deadline_at timestamptz NOT NULL DEFAULT now() + interval '1 minute';
      COMMENT ON COLUMN orders.deadline_at IS 'An order that is pending at this time is cancelled.';
      CREATE INDEX orders_by_deadline ON orders (deadline_at) WHERE status = 'pending';
    `,
  },
  {
    number: 3,
    name: 'age of idempotency keys',
    sql: 'CREATE INDEX idempotency_keys_used_at ON idempotency_keys USING brin (used_at) WITH (pages_per_range = 32, autosummarize = on)',
  },
  {
    number: 4,
    name: 'currency and priority',
    sql: `
      -- The default serves orders from before, and an instance of the version before that runs beside this one.
      -- No CHECK: it would be tried on every row, and the table be locked so long. The contract checks.
      ALTER TABLE orders ADD COLUMN currency text NOT NULL DEFAULT 'USD', ADD COLUMN priority text;
      COMMENT ON COLUMN orders.priority IS 'Null when the customer named none.';
    `,
  },
  {
    number: 5,
    name: 'payment and fulfillment',
    sql: `
      ALTER TABLE orders ADD COLUMN payment_status text, ADD COLUMN fulfillment_status text;
      COMMENT ON COLUMN orders.payment_status IS 'Null, as fulfillment_status, of an order that is not to be paid.';
    `,
  },
  { number: 6, name: 'quoted idempotency keys', sql: UNQUOTE_IDEMPOTENCY_KEYS },
  {
    number: 7,
    name: 'deadlines by the confirm',
    sql: `
      -- 0 serves orders from before, and those of an instance of release 0.2 that runs beside this one: they are looked at each time.
      ALTER TABLE orders ADD COLUMN position bigint NOT NULL DEFAULT 0;
      COMMENT ON COLUMN orders.position IS 'Where the order begins in the log, or 0; bounds the search for orders that are due.';
      CREATE INDEX orders_pending ON orders (position) WHERE status = 'pending';
      DROP INDEX orders_by_deadline;
      -- Instances of release 0.2 still write and read it; they leave the orders of later ones alone. To be dropped by a later release.
      ALTER TABLE orders ALTER COLUMN deadline_at SET DEFAULT 'infinity';
      COMMENT ON COLUMN orders.deadline_at IS 'Of release 0.2.';

      ${answerConsumersTable('The instances of the order service, as each last described itself: what has to be known before an order may time out (docs/adr/0019)')}
    `,
  },
];
