import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { addStockList } from './stock-list.ts';
import { addStockReceive } from './stock-receive.ts';

/** `warren stock …` */
export function addStock(program: Command, terminal: Terminal): void {
  const stock = program.command('stock').description('show and raise the stock of the warehouse');
  addStockList(stock, terminal);
  addStockReceive(stock, terminal);
}
