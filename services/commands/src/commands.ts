import { type AddCommands, atOption, parseId, parseSeconds, type Terminal } from '@warren/cli/usage';
import { type Command, Option } from 'commander';
import type { AnalyticsReplayOptions } from './analytics-replay.ts';
import { parseProductId, parseQuantity, parseReplayStart } from './arguments.ts';
import type { OrderOptions } from './order.ts';
import type { StockListOptions } from './stock-list.ts';
import type { StockReceiveOptions } from './stock-receive.ts';

/** The shop's own commands of `warren`. */
export const addCommands: AddCommands = (program, terminal) => {
  const stock = program.command('stock').description('show and raise the stock of the warehouse');
  addStockList(stock, terminal);
  addStockReceive(stock, terminal);
  addOrder(program, terminal);
  const analytics = program.command('analytics').description('manage the figures of the analytics service');
  addAnalyticsReplay(analytics, terminal);
};

function addOrder(program: Command, terminal: Terminal): void {
  program
    .command('order')
    .description('show an order with its events')
    .argument('<id>', 'the id of the order')
    .addOption(atOption())
    .option('--json', 'print {order, events}')
    .action(async (id: string, options: OrderOptions) => {
      const { showOrder } = await import('./order.ts');
      await showOrder(terminal, id, options);
    });
}

function addStockList(stock: Command, terminal: Terminal): void {
  stock
    .command('list')
    .description('show the available and reserved pieces of every product')
    .option('--json', 'print an array of {productId, available, reserved, updatedAt}')
    .action(async (options: StockListOptions) => {
      const { listStock } = await import('./stock-list.ts');
      await listStock(terminal, options);
    });
}

const timeout = new Option('--timeout <seconds>', 'how long to wait for the booking')
  .argParser(parseSeconds)
  .default(10_000, '10');

function addStockReceive(stock: Command, terminal: Terminal): void {
  stock
    .command('receive')
    .description('add pieces to the stock, through a message to the inventory service')
    .argument('<product>', 'id of the product; a new one becomes known', parseProductId)
    .argument('<quantity>', 'number of pieces', parseQuantity)
    .option('--no-wait', 'do not wait until the inventory service has booked them')
    .addOption(timeout)
    .option(
      '--id <id>',
      'message id of an earlier run whose outcome is unknown: the message is booked only once',
      parseId,
    )
    .option('--json', 'print {messageId, productId, quantity}, with {available, reserved, updatedAt} when waited for')
    .action(async (productId: string, quantity: number, options: StockReceiveOptions) => {
      const { receiveStock } = await import('./stock-receive.ts');
      await receiveStock(terminal, { productId, quantity }, options);
    });
}

function addAnalyticsReplay(analytics: Command, terminal: Terminal): void {
  analytics
    .command('replay')
    .description(
      'rebuild the figures from the stream of all events; the current figures answer queries until that is done',
    )
    .option('--from <place>', 'where to start: first, an offset, or a time (ISO 8601)', parseReplayStart, 'first')
    .option('--no-wait', 'do not wait for the replay to finish')
    .option('--json', 'print the replay as the API returns it')
    .action(async (options: AnalyticsReplayOptions) => {
      const { replayAnalytics } = await import('./analytics-replay.ts');
      await replayAnalytics(terminal, options);
    });
}
