import { setTimeout as delay } from 'node:timers/promises';
import { ReceiveStock } from '@shop/events/inventory';
import { QUEUES } from '@shop/events/topology';
import { addressOf, cliErrors, formatJson, sendMessage } from '@warren/cli';
import type { Terminal } from '@warren/cli/usage';
import { createEvent, type EventOf } from '@warren/contracts';
import { type InventoryTables, readInventory, type StockRow } from './inventory-tables.ts';

const POLL_MS = 50;

export interface StockReceiveOptions {
  /** Whether to wait until the inventory service has booked the pieces. */
  wait: boolean;
  /** In milliseconds. */
  timeout: number;
  json?: true;
  /** Message id of an earlier run. */
  id?: string;
}

/** `warren stock receive`: tells the inventory service that pieces have arrived, and waits until it has booked them. */
export async function receiveStock(
  terminal: Terminal,
  goods: Goods,
  { wait, timeout, json, id }: StockReceiveOptions,
): Promise<void> {
  const message = createReceipt(goods, id);
  const level = await (wait ? sendAndWait(message, timeout, terminal) : sendOnly(message, terminal));
  const { productId, quantity } = goods;
  if (json) terminal.out(formatJson({ messageId: message.id, quantity, productId, ...level }));
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

async function sendOnly(message: Receipt, terminal: Terminal): Promise<undefined> {
  await sendMessage(terminal, ReceiveStock, message);
}

function sendAndWait(message: Receipt, timeoutMs: number, terminal: Terminal): Promise<StockRow> {
  // Without a broker there is nothing to wait for.
  addressOf('broker', terminal.env);
  return readInventory(addressOf('database', terminal.env), async (tables) => {
    // Before anything is sent: if the database cannot be read, nobody could see the message being handled.
    await tables.findReceipt(message.id);
    await sendMessage(terminal, ReceiveStock, message);
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
