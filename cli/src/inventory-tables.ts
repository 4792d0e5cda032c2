import pg from 'pg';
import { hostOf } from './addresses.ts';
import { cliErrors } from './cli-errors.ts';

/** The stock of one product. */
export interface StockRow {
  productId: string;
  /** Free pieces. */
  available: number;
  /** Pieces set aside for orders. */
  reserved: number;
  /** When it changed last, ISO 8601. */
  updatedAt: string;
}

/** What the command line reads of the inventory service's tables. It never writes there. */
export interface InventoryTables {
  /** All products, by id. */
  listStock(): Promise<StockRow[]>;
  /** The stock of the product that a `ReceiveStock` message has raised, once it is booked. */
  findReceipt(messageId: string): Promise<StockRow | undefined>;
}

const STOCK = `
  SELECT level.product_id AS "productId", level.available, level.reserved, level.updated_at AS "updatedAt"
    FROM inventory_service.stock_level AS level`;

const RECEIPT = `${STOCK}
    JOIN inventory_service.stock_ledger AS ledger USING (product_id)
   WHERE ledger.message_id = $1 AND ledger.kind = 'received'`;

/** SQLSTATEs of a missing schema, table and column. */
const NOT_MIGRATED = ['3F000', '42P01', '42703'];

/**
 * Runs `read` on a read-only connection of its own and closes it.
 * @throws `CLI_UNREACHABLE` when the database does not answer, `CLI_NOT_MIGRATED` when the tables are not there.
 */
export async function readInventory<Result>(
  databaseUrl: string,
  read: (tables: InventoryTables) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
    options: '-c default_transaction_read_only=on',
    application_name: 'warren-cli',
  });
  // A connection that breaks is reported by the next query; without a listener it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect().catch((error: unknown) => Promise.reject(explain(error, databaseUrl)));
    return await read(tablesOf(client, databaseUrl));
  } finally {
    await client.end().catch(() => undefined);
  }
}

function tablesOf(client: pg.Client, databaseUrl: string): InventoryTables {
  async function select(sql: string, values: readonly unknown[]): Promise<StockRow[]> {
    try {
      const { rows } = await client.query(sql, [...values]);
      return rows.map(toStockRow);
    } catch (error) {
      throw explain(error, databaseUrl);
    }
  }
  return {
    listStock: () => select(`${STOCK} ORDER BY level.product_id`, []),
    findReceipt: async (messageId) => (await select(RECEIPT, [messageId]))[0],
  };
}

function toStockRow(row: { productId: string; available: string; reserved: string; updatedAt: Date }): StockRow {
  return {
    productId: row.productId,
    available: Number(row.available),
    reserved: Number(row.reserved),
    updatedAt: row.updatedAt.toISOString(),
  };
}

function explain(error: unknown, databaseUrl: string): Error {
  const where = `the database at ${hostOf(databaseUrl)}`;
  const { code, message } = error as { code?: string; message: string };
  if (code !== undefined && NOT_MIGRATED.includes(code)) {
    const text = `${where} has no stock tables: the inventory service has not been started on it yet`;
    return cliErrors.CLI_NOT_MIGRATED(text, { cause: error });
  }
  const why =
    message || (error instanceof AggregateError ? error.errors.map((one: Error) => one.message).join('; ') : code);
  return cliErrors.CLI_UNREACHABLE(`cannot read ${where}: ${why}`, { cause: error });
}
