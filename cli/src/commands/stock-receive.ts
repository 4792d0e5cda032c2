import { setTimeout as delay } from 'node:timers/promises';
import { createEvent, QUEUES, ReceiveStock } from '@warren/contracts';
import { type Command, Option } from 'commander';
import { addressOf } from '../addresses.ts';
import { parseId, parseProductId, parseQuantity, parseSeconds } from '../arguments.ts';
import { cliErrors } from '../cli-errors.ts';
import { type InventoryTables, readInventory, type StockRow } from '../inventory-tables.ts';
import { sendMessage } from '../send-message.ts';
import type { Terminal } from '../terminal.ts';

const POLL_MS = 50;

interface ReceiveOptions {
  wait: boolean;
  /** In milliseconds. */
  timeout: number;
  json?: true;
  id?: string;
}

const timeout = new Option('--timeout <seconds>', 'how long to wait for that')
  .argParser(parseSeconds)
  .default(10_000, '10');

/** `warren stock receive`: tells the inventory service that pieces have come in, and waits until it has booked them. */
export function addStockReceive(stock: Command, terminal: Terminal): void {
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
    .action(async (productId: string, quantity: number, { wait, timeout, json, id }: ReceiveOptions) => {
      const message = createReceipt(productId, quantity, id);
      const level = await (wait ? sendAndWait(message, timeout, terminal.env) : sendOnly(message, terminal.env));
      if (json) terminal.out(`${JSON.stringify({ messageId: message.id, quantity, productId, ...level }, null, 2)}\n`);
      else if (level)
        terminal.out(`${productId}: ${quantity} received, ${level.available} available, ${level.reserved} reserved\n`);
      else terminal.out(`${productId}: told the inventory service to receive ${quantity} (message ${message.id})\n`);
    });
}

type Receipt = ReturnType<typeof createReceipt>;

const createReceipt = (productId: string, quantity: number, id?: string) =>
  createEvent(ReceiveStock, {
    aggregateId: productId,
    data: { productId, quantity },
    source: 'warren-cli',
    ...(id !== undefined && { id }),
  });

async function sendOnly(message: Receipt, env: Terminal['env']): Promise<undefined> {
  await sendMessage(addressOf('broker', env), message);
}

function sendAndWait(message: Receipt, timeoutMs: number, env: Terminal['env']): Promise<StockRow> {
  const amqpUrl = addressOf('broker', env);
  return readInventory(addressOf('database', env), async (tables) => {
    // Looked at before anything is sent: a database that cannot be read must not leave a message behind that nobody can see arrive.
    await tables.findReceipt(message.id);
    await sendMessage(amqpUrl, message);
    return waitForReceipt(tables, message.id, timeoutMs);
  });
}

async function waitForReceipt(tables: InventoryTables, messageId: string, timeoutMs: number): Promise<StockRow> {
  const deadline = Date.now() + timeoutMs;
  do {
    const level = await tables.findReceipt(messageId);
    if (level) return level;
    await delay(POLL_MS);
  } while (Date.now() < deadline);
  throw cliErrors.CLI_NOT_HANDLED(
    `the inventory service has not booked message ${messageId} within ${timeoutMs / 1000} s. Does it run? The broker keeps the message ` +
      `(queue ${QUEUES.inventoryReceiveStock}): it is booked as soon as the service consumes. Do not send it again.`,
  );
}
