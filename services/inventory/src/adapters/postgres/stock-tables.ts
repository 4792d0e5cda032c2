import type { StoreTransaction } from '@warren/event-store';
import type { OrderLines, Receipt, Warehouse } from '../../application/warehouse.ts';
import { inventoryErrors } from '../../domain/inventory-errors.ts';
import { type ProductQuantity, sumByProduct } from '../../domain/stock.ts';

/** The warehouse in the tables `stock_level`, `stock_ledger` and `reservation`. */
export function createStockTables(): Warehouse {
  return { lockLevels, withdraw, release, receive, lockIfEmpty };
}

async function lockLevels(tx: StoreTransaction, productIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await tx.query<{ product_id: string; available: number }>({
    name: 'warren-inventory/lock-levels',
    text: 'SELECT product_id, available FROM stock_level WHERE product_id = ANY ($1) ORDER BY product_id FOR UPDATE',
    values: [productIds],
  });
  return new Map(rows.map((row) => [row.product_id, row.available]));
}

/** One statement for the level, the ledger and the reservations: each round trip to the database costs more than what it does. */
async function withdraw(tx: StoreTransaction, withdrawals: readonly OrderLines[], now: Date): Promise<void> {
  const lines = linesOf(withdrawals);
  if (lines.length === 0) return;
  const totals = sumByProduct(lines);
  const { rows } = await tx.query<{ taken: number }>({
    name: 'warren-inventory/withdraw',
    text: `
      WITH line AS (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) AS line (order_id, product_id, quantity)),
      level AS (
        UPDATE stock_level AS level
        SET available = level.available - total.quantity, reserved = level.reserved + total.quantity, updated_at = $6
        FROM unnest($4::text[], $5::bigint[]) AS total (product_id, quantity)
        WHERE level.product_id = total.product_id AND level.available >= total.quantity
        RETURNING level.product_id
      ),
      booked AS (
        INSERT INTO stock_ledger (kind, order_id, product_id, delta, recorded_at)
        SELECT 'reserved', order_id, product_id, -quantity, $6 FROM line
      ),
      reserved AS (
        INSERT INTO reservation (order_id, product_id, quantity, reserved_at)
        SELECT order_id, product_id, quantity, $6 FROM line
      )
      SELECT count(*) AS taken FROM level`,
    values: [lines.map((line) => line.orderId), ...columnsOf(lines), ...columnsOf(totals), now],
  });
  if (rows[0]?.taken === totals.length) return;
  throw inventoryErrors.STOCK_LEVEL_MISMATCH(
    `${rows[0]?.taken} of ${totals.length} levels had what their lock promised`,
  );
}

async function release(tx: StoreTransaction, releases: readonly OrderLines[], now: Date): Promise<void> {
  const lines = linesOf(releases);
  if (lines.length === 0) return;
  const columns = [lines.map((line) => line.orderId), ...columnsOf(lines)];
  const { rowCount } = await tx.query(
    `DELETE FROM reservation
      USING unnest($1::text[], $2::text[], $3::bigint[]) AS line (order_id, product_id, quantity)
      WHERE reservation.order_id = line.order_id AND reservation.product_id = line.product_id
        AND reservation.quantity = line.quantity`,
    columns,
  );
  if (rowCount !== lines.length)
    throw inventoryErrors.STOCK_LEVEL_MISMATCH(`${rowCount} of ${lines.length} lines to release were reserved`);
  await tx.query(
    `INSERT INTO stock_ledger (kind, order_id, product_id, delta, recorded_at)
     SELECT 'released', order_id, product_id, quantity, $4
       FROM unnest($1::text[], $2::text[], $3::bigint[]) AS line (order_id, product_id, quantity)`,
    [...columns, now],
  );
  await returnToLevels(tx, sumByProduct(lines), now);
}

async function returnToLevels(tx: StoreTransaction, totals: readonly ProductQuantity[], now: Date): Promise<void> {
  const { rowCount } = await tx.query(
    `UPDATE stock_level AS level
        SET available = level.available + given.quantity, reserved = level.reserved - given.quantity, updated_at = $3
       FROM unnest($1::text[], $2::bigint[]) AS given (product_id, quantity)
      WHERE level.product_id = given.product_id AND level.reserved >= given.quantity`,
    [...columnsOf(totals), now],
  );
  if (rowCount === totals.length) return;
  throw inventoryErrors.STOCK_LEVEL_MISMATCH(`${rowCount} of ${totals.length} levels had so much reserved`);
}

const linesOf = (orders: readonly OrderLines[]) =>
  orders.flatMap(({ orderId, lines }) => lines.map((line) => ({ orderId, ...line })));

const columnsOf = (lines: readonly ProductQuantity[]) => [
  lines.map((line) => line.productId),
  lines.map((line) => line.quantity),
];

async function receive(tx: StoreTransaction, receipts: readonly Receipt[], now: Date): Promise<void> {
  if (receipts.length === 0) return;
  // The ledger before the levels: whoever holds the ledger to fill an empty warehouse must not find a level locked.
  await tx.query(
    `INSERT INTO stock_ledger (kind, message_id, product_id, delta, recorded_at)
     SELECT kind, message_id, product_id, quantity, $5
       FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[]) AS receipt (kind, message_id, product_id, quantity)`,
    [
      receipts.map((receipt) => receipt.kind),
      receipts.map((receipt) => (receipt.kind === 'received' ? receipt.messageId : null)),
      ...columnsOf(receipts),
      now,
    ],
  );
  await tx.query(
    `INSERT INTO stock_level AS level (product_id, available, updated_at)
     SELECT product_id, quantity, $3 FROM unnest($1::text[], $2::bigint[]) AS total (product_id, quantity)
      ORDER BY product_id COLLATE "C"
         ON CONFLICT (product_id) DO UPDATE SET available = level.available + excluded.available, updated_at = $3`,
    [...columnsOf(sumByProduct(receipts)), now],
  );
}

async function lockIfEmpty(tx: StoreTransaction): Promise<boolean> {
  if (await hasEntries(tx)) return false;
  await tx.query('LOCK TABLE stock_ledger IN SHARE ROW EXCLUSIVE MODE');
  return !(await hasEntries(tx));
}

async function hasEntries(tx: StoreTransaction): Promise<boolean> {
  const { rows } = await tx.query<{ found: boolean }>('SELECT EXISTS (SELECT FROM stock_ledger) AS found');
  return rows[0]?.found === true;
}
