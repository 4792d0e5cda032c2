import type { Migration } from '@warren/event-store';

/** The tables of the payment service. A migration that has been released is never changed; a change is a new one. */
export const paymentMigrations: readonly Migration[] = [
  {
    number: 1,
    name: 'payments',
    sql: `
      CREATE TABLE open_payment (
        order_id text COLLATE "C" PRIMARY KEY,
        requested_at timestamptz NOT NULL DEFAULT now(),
        due_at timestamptz NOT NULL DEFAULT now(),
        tries integer NOT NULL DEFAULT 0
      );
      COMMENT ON TABLE open_payment IS 'Payments that the gateway has yet to answer. What it is to be asked stands in the log.';
      CREATE INDEX open_payment_due ON open_payment (due_at);
      CREATE INDEX open_payment_requested ON open_payment (requested_at);

      CREATE TABLE simulated_ledger (
        key text COLLATE "C" PRIMARY KEY,
        order_id text COLLATE "C" NOT NULL,
        kind text NOT NULL CHECK (kind IN ('charge', 'decline', 'refund')),
        amount numeric(15, 2) NOT NULL,
        currency text NOT NULL,
        calls integer NOT NULL DEFAULT 1,
        booked_at timestamptz NOT NULL DEFAULT now()
      );
      COMMENT ON TABLE simulated_ledger IS 'The books of the built-in gateway: one entry for each idempotency key, however often it was called.';
    `,
  },
];
