import { defineProjection, rows, type SharedRows, sql, touching } from '@warren/event-store';
import { inventoryErrors } from '../../domain/inventory-errors.ts';
import { movesOf, reservation } from '../../domain/reservation.ts';

const LEVEL_MOVE = { productId: 'text', pieces: 'bigint', needed: 'bigint' } as const;
const LEDGER_MOVE = { orderId: 'text', productId: 'text', pieces: 'bigint', at: 'timestamptz' } as const;

/** The free pieces of each product, for which reservations compete: `available` in the table `stock_level`. */
export const stockLevels: SharedRows<number> = {
  lock: (productIds) => sql`
    SELECT product_id AS key, available AS value FROM stock_level
     WHERE product_id = ANY (${productIds}) ORDER BY product_id FOR UPDATE`,
  update(changes, now) {
    const moves = changes.map(({ key, before = 0, after = 0, steps }) => ({
      productId: key,
      pieces: after - before,
      // The largest net number of pieces taken after any of the decisions.
      needed: before - Math.min(...steps.map((step = 0) => step)),
    }));
    const statement = sql`
      UPDATE stock_level AS level
         SET available = level.available + move.pieces, reserved = level.reserved - move.pieces, updated_at = ${now}
        FROM ${rows('move', LEVEL_MOVE, moves)}
       WHERE level.product_id = move.product_id AND level.available >= move.needed AND level.reserved >= move.pieces`;
    return [
      touching(moves.length, statement, (found) =>
        mismatch(`only ${found} of ${moves.length} stock levels were sufficient`),
      ),
    ];
  },
};

/** The ledger entries of reservations, and the reservations that are in effect. */
export const stockLedger = defineProjection(
  reservation,
  // The ledger also has the receipts, which are not in the log.
  { name: 'stock_ledger', tables: ['stock_ledger', 'reservation'], rebuildable: false },
  (events) => {
    const moves = events.flatMap((event) =>
      movesOf(event).map((move) => ({ ...move, orderId: event.aggregateId, at: event.timestamp })),
    );
    const reserved = moves.filter(({ pieces }) => pieces < 0);
    const released = moves.filter(({ pieces }) => pieces > 0);
    const ended = sql`
      DELETE FROM reservation USING ${rows('move', LEDGER_MOVE, released)}
       WHERE reservation.order_id = move.order_id AND reservation.product_id = move.product_id
         AND reservation.quantity = move.pieces`;
    return [
      sql`
        INSERT INTO stock_ledger (kind, order_id, product_id, delta, recorded_at)
        SELECT CASE WHEN pieces < 0 THEN 'reserved' ELSE 'released' END, order_id, product_id, pieces, at
          FROM ${rows('move', LEDGER_MOVE, moves)}`,
      sql`
        INSERT INTO reservation (order_id, product_id, quantity, reserved_at)
        SELECT order_id, product_id, -pieces, at FROM ${rows('move', LEDGER_MOVE, reserved)}`,
      touching(released.length, ended, (found) =>
        mismatch(`only ${found} of ${released.length} lines to release were reserved`),
      ),
    ];
  },
);

const mismatch = (what: string) => inventoryErrors.STOCK_LEVEL_MISMATCH(what);
