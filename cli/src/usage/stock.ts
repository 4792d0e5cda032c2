import { type Command, Option } from 'commander';
import { parseId, parseProductId, parseQuantity, parseSeconds } from '../arguments.ts';
import type { StockListOptions } from '../commands/stock-list.ts';
import type { StockReceiveOptions } from '../commands/stock-receive.ts';
import type { Terminal } from '../terminal.ts';

/** `warren stock …` */
export function addStock(program: Command, terminal: Terminal): void {
  const stock = program.command('stock').description('show and raise the stock of the warehouse');
  addStockList(stock, terminal);
  addStockReceive(stock, terminal);
}

function addStockList(stock: Command, terminal: Terminal): void {
  stock
    .command('list')
    .description('every product with its free and its reserved pieces')
    .option('--json', 'print an array of {productId, available, reserved, updatedAt}')
    .action(async (options: StockListOptions) => {
      const { listStock } = await import('../commands/stock-list.ts');
      await listStock(terminal, options);
    });
}

const timeout = new Option('--timeout <seconds>', 'how long to wait for that')
  .argParser(parseSeconds)
  .default(10_000, '10');

function addStockReceive(stock: Command, terminal: Terminal): void {
  stock
    .command('receive')
    .description('put pieces into stock, by a message to the inventory service')
    .argument('<product>', 'id of the product; a new one becomes known', parseProductId)
    .argument('<quantity>', 'number of pieces', parseQuantity)
    .option('--no-wait', 'do not wait until the inventory service has booked them')
    .addOption(timeout)
    .option(
      '--id <id>',
      'of the message of an earlier run, of which it is not known what became: it is booked once',
      parseId,
    )
    .option('--json', 'print {messageId, productId, quantity}, with {available, reserved, updatedAt} when waited for')
    .action(async (productId: string, quantity: number, options: StockReceiveOptions) => {
      const { receiveStock } = await import('../commands/stock-receive.ts');
      await receiveStock(terminal, { productId, quantity }, options);
    });
}
