import { type Command, Option } from 'commander';
import { parseMoment } from '../arguments.ts';
import type { OrderOptions } from '../commands/order.ts';
import type { Terminal } from '../terminal.ts';

const at = new Option(
  '--at <moment>',
  'as it was then: at a time (2026-11-21T10:00:00Z) or at a version (1)',
).argParser(parseMoment);

/** `warren order <id>` */
export function addOrder(program: Command, terminal: Terminal): void {
  program
    .command('order')
    .description('show an order with its events')
    .argument('<id>', 'the id of the order')
    .addOption(at)
    .option('--json', 'print {order, events}')
    .action(async (id: string, options: OrderOptions) => {
      const { showOrder } = await import('../commands/order.ts');
      await showOrder(terminal, id, options);
    });
}
