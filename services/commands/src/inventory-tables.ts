import { readDatabase, type Select } from '@warren/cli';

/** The stock of one product. */
export interface StockRow {
  productId: string;
  /** Free pieces. */
  available: number;
  /** Pieces set aside for orders. */
  reserved: number;
  /** When the stock last changed, ISO 8601. */
  updatedAt: string;
}

/** Read-only access of the command line to the tables of the inventory service. */
export interface InventoryTables {
  /** All products, by id. */
  listStock(): Promise<StockRow[]>;
  /** The stock of the product in a `ReceiveStock` message, once the message is booked. */
  findReceipt(messageId: string): Promise<StockRow | undefined>;
}

const STOCK = `
  SELECT level.product_id AS "productId", level.available, level.reserved, level.updated_at AS "updatedAt"
    FROM inventory_service.stock_level AS level`;

const RECEIPT = `${STOCK}
    JOIN inventory_service.stock_ledger AS ledger USING (product_id)
   WHERE ledger.message_id = $1 AND ledger.kind = 'received'`;

const MISSING = 'stock tables: the inventory service has not been started on it yet';

/**
 * Runs `read` on its own read-only connection, then closes it.
 * @throws `CLI_UNREACHABLE` when the database does not answer, `CLI_NOT_MIGRATED` when the tables do not exist.
 */
export function readInventory<Result>(
  databaseUrl: string,
  read: (tables: InventoryTables) => Promise<Result>,
): Promise<Result> {
  return readDatabase(databaseUrl, { missing: MISSING }, (select) => read(tablesOf(select)));
}

function tablesOf(select: Select): InventoryTables {
  const stock = async (sql: string, values: readonly unknown[] = []) =>
    (await select<SelectedStock>(sql, values)).map(toStockRow);
  return {
    listStock: () => stock(`${STOCK} ORDER BY level.product_id`),
    findReceipt: async (messageId) => (await stock(RECEIPT, [messageId]))[0],
  };
}

interface SelectedStock {
  productId: string;
  available: string;
  reserved: string;
  updatedAt: Date;
}

function toStockRow(row: SelectedStock): StockRow {
  return {
    productId: row.productId,
    available: Number(row.available),
    reserved: Number(row.reserved),
    updatedAt: row.updatedAt.toISOString(),
  };
}
