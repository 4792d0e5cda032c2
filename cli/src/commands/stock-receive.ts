import { setTimeout as delay } from 'node:timers/promises';
import { ReceiveStock } from '@shop/events/inventory';
import { QUEUES } from '@shop/events/topology';
import { createEvent, type EventOf } from '@warren/contracts';
import { addressOf } from '../addresses.ts';
import { cliErrors } from '../cli-errors.ts';
import { type InventoryTables, readInventory, type StockRow } from '../inventory-tables.ts';
import { sendMessage } from '../send-message.ts';
import type { Terminal } from '../terminal.ts';

const POLL_MS = 50;

export interface StockReceiveOptions {
  /** Until the inventory service has booked the pieces. */
  wait: boolean;
  /** In milliseconds. */
  timeout: number;
  json?: true;
  /** Of the message of an earlier run. */
  id?: string;
}

/** `warren stock receive`: tells the inventory service that pieces have come in, and waits until it has booked them. */
export async function receiveStock(
  terminal: Terminal,
  goods: Goods,
  { wait, timeout, json, id }: StockReceiveOptions,
): Promise<void> {
  const message = createReceipt(goods, id);
  const level = await (wait ? sendAndWait(message, timeout, terminal.env) : sendOnly(message, terminal.env));
  const { productId, quantity } = goods;
  if (json) terminal.out(`${JSON.stringify({ messageId: message.id, quantity, productId, ...level }, null, 2)}\n`);
  else if (level)
    terminal.out(`${productId}: ${quantity} received, ${level.available} available, ${level.reserved} reserved\n`);
  else terminal.out(`${productId}: told the inventory service to receive ${quantity} (message ${message.id})\n`);
}

type Goods = EventOf<typeof ReceiveStock>['data'];
type Receipt = ReturnType<typeof createReceipt>;

const createReceipt = (goods: Goods, id?: string) =>
  createEvent(ReceiveStock, {
    aggregateId: goods.productId,
    data: goods,
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
