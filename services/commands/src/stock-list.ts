import { addressOf, type Column, formatJson, formatTable } from '@warren/cli';
import type { Terminal } from '@warren/cli/usage';
import { readInventory, type StockRow } from './inventory-tables.ts';

const COLUMNS: readonly Column<StockRow>[] = [
  { title: 'PRODUCT', value: (row) => row.productId },
  { title: 'AVAILABLE', value: (row) => row.available, align: 'right' },
  { title: 'RESERVED', value: (row) => row.reserved, align: 'right' },
  { title: 'UPDATED', value: (row) => row.updatedAt },
];

export interface StockListOptions {
  json?: true;
}

/** `warren stock list`: the available and reserved pieces of every product. */
export async function listStock(terminal: Terminal, { json }: StockListOptions): Promise<void> {
  const rows = await readInventory(addressOf('database', terminal.env), (tables) => tables.listStock());
  if (json) terminal.out(formatJson(rows));
  else if (rows.length === 0)
    terminal.out('The warehouse is empty. Fill it: warren stock receive <product> <quantity>\n');
  else terminal.out(formatTable(rows, COLUMNS));
}
