import type { Migration } from '@warren/event-store';

/**
 * The tables of the warehouse. A migration that has been released is never changed; a change is a new one.
 *
 * Product ids are compared by bytes (`COLLATE "C"`), so that every transaction locks rows in the same order, whatever the
 * database's locale is.
 */
export const inventoryMigrations: readonly Migration[] = [
  {
    number: 1,
    name: 'stock',
    sql: `
      CREATE TABLE stock_level (
        product_id text COLLATE "C" PRIMARY KEY,
        available bigint NOT NULL CONSTRAINT stock_never_oversold CHECK (available >= 0),
        reserved bigint NOT NULL DEFAULT 0 CONSTRAINT stock_reserved_not_negative CHECK (reserved >= 0),
        updated_at timestamptz NOT NULL
      ) WITH (fillfactor = 50);
      COMMENT ON TABLE stock_level IS 'Current stock. available = sum of the ledger, reserved = sum of the standing reservations.';

      CREATE TABLE stock_ledger (
        entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        product_id text COLLATE "C" NOT NULL,
        kind text NOT NULL,
        delta bigint NOT NULL,
        message_id uuid,
        order_id text,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT stock_ledger_kind CHECK (
          (kind = 'initial' AND delta > 0 AND message_id IS NULL AND order_id IS NULL) OR
          (kind = 'received' AND delta > 0 AND message_id IS NOT NULL AND order_id IS NULL) OR
          (kind = 'reserved' AND delta < 0 AND message_id IS NULL AND order_id IS NOT NULL)
        )
      );
      COMMENT ON TABLE stock_ledger IS 'Every change of the free stock and why. Rows are added, never changed.';
      CREATE UNIQUE INDEX stock_ledger_received_once ON stock_ledger (message_id) WHERE kind = 'received';

      CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'the stock ledger is append-only: book a correction instead' USING ERRCODE = 'restrict_violation';
      END $$;
      CREATE TRIGGER stock_ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_ledger
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

      CREATE TABLE reservation (
        order_id text NOT NULL,
        product_id text COLLATE "C" NOT NULL,
        quantity bigint NOT NULL CHECK (quantity > 0),
        reserved_at timestamptz NOT NULL,
        PRIMARY KEY (order_id, product_id)
      );
      COMMENT ON TABLE reservation IS 'Pieces set aside, by order and product.';
    `,
  },
];
