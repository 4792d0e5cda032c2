import pg from 'pg';

/** What the database says about the stock, asked past the service, each time on a connection of its own. */
export function createStockProbe(databaseUrl: string) {
  async function select<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    const client = new pg.Client({ connectionString: databaseUrl, options: '-c search_path=inventory_service' });
    await client.connect();
    try {
      return (await client.query<Row>(sql, values)).rows;
    } finally {
      await client.end();
    }
  }

  return {
    select,
    /** Free and reserved pieces by product. */
    async levels(): Promise<Record<string, { available: number; reserved: number }>> {
      const rows = await select<{ product_id: string; available: string; reserved: string }>(
        'SELECT * FROM stock_level',
      );
      return Object.fromEntries(
        rows.map((row) => [row.product_id, { available: Number(row.available), reserved: Number(row.reserved) }]),
      );
    },
    /** Products whose level is not the sum of their ledger, or whose reserved pieces are not those of the reservations. */
    drift: () =>
      select(`
        SELECT level.*, ledger.sum AS ledger, reservation.sum AS reservations
          FROM stock_level AS level
          FULL JOIN (SELECT product_id, sum(delta) FROM stock_ledger GROUP BY 1) AS ledger USING (product_id)
          LEFT JOIN (SELECT product_id, sum(quantity) FROM reservation GROUP BY 1) AS reservation USING (product_id)
         WHERE level.available IS DISTINCT FROM ledger.sum OR level.reserved <> coalesce(reservation.sum, 0)`),
    /** How many ledger rows there are of each kind. */
    async ledger(): Promise<Record<string, number>> {
      const rows = await select<{ kind: string; count: string }>(
        'SELECT kind, count(*) FROM stock_ledger GROUP BY kind',
      );
      return Object.fromEntries(rows.map((row) => [row.kind, Number(row.count)]));
    },
    /** How many events of each type are in the log. */
    async events(): Promise<Record<string, number>> {
      const rows = await select<{ type: string; count: string }>('SELECT type, count(*) FROM log GROUP BY type');
      return Object.fromEntries(rows.map((row) => [row.type, Number(row.count)]));
    },
  };
}

export type StockProbe = ReturnType<typeof createStockProbe>;
