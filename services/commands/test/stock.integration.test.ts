import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { QUEUES } from '@shop/events/topology';
import { silentLogger } from '@warren/kernel';
import { createService, type RunnableService, readTopologies } from '@warren/service';
import {
  createTestDatabase,
  createTestVhost,
  type TestDatabase,
  type TestVhost,
  uniqueName,
  waitUntil,
} from '@warren/testing';
import { main } from '../../../cli/src/main.ts';
import { createRecordingTerminal } from '../../../cli/test/recording-terminal.ts';
import { inventoryService } from '../../inventory/src/service.ts';

let vhost: TestVhost;
let database: TestDatabase;
let env: Record<string, string>;
const services: RunnableService[] = [];

beforeEach(async () => {
  [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
  env = { AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url, DATA_DIR: uniqueName('/nowhere') };
});

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.lifecycle.stop()));
  await Promise.all([database.drop(), vhost.close()]);
});

async function startInventory(more: Record<string, string> = {}): Promise<RunnableService> {
  const service = createService(inventoryService, {
    env: { ...env, INVENTORY_PORT: '0', ...more },
    logger: silentLogger,
    topology: readTopologies(new URL('../../', import.meta.url)),
  });
  services.push(service);
  await service.lifecycle.start();
  await waitUntil(async () => (await service.lifecycle.readiness()).ready, {
    what: 'the inventory service to be ready',
  });
  return service;
}

async function run(...argv: string[]) {
  const { terminal, written } = createRecordingTerminal(env);
  return { code: await main(argv, terminal), ...written };
}

/** With patience for a machine that is busy. */
const receive = (...argv: string[]) => run('stock', 'receive', ...argv, '--timeout', '60');

const stock = async () => JSON.parse((await run('stock', 'list', '--json')).out) as { productId: string }[];

describe('warren stock', () => {
  it('when the service runs, then list shows its stock as a table, and as JSON for machines', async () => {
    await startInventory();
    const { code, out, err } = await run('stock', 'list');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^PRODUCT {2}AVAILABLE {2}RESERVED {2}UPDATED\nitem1 {10}100 {9}0 {2}\S+Z\nitem2 {11}50 {9}0 {2}\S+Z\n$/,
    );
    expect(await stock()).toEqual([
      { productId: 'item1', available: 100, reserved: 0, updatedAt: expect.any(String) },
      { productId: 'item2', available: 50, reserved: 0, updatedAt: expect.any(String) },
    ]);
  });

  it('when stock is received, then the new level is shown as soon as the service has booked it', async () => {
    await startInventory();
    expect(await receive('item1', '11')).toEqual({
      code: 0,
      out: 'item1: 11 received, 111 available, 0 reserved\n',
      err: '',
    });
    const { out } = await receive('new one', '7', '--json');
    expect(JSON.parse(out)).toEqual({
      messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      productId: 'new one',
      quantity: 7,
      available: 7,
      reserved: 0,
      updatedAt: expect.any(String),
    });
    expect(await stock()).toHaveLength(3);
  });

  it('when it is said again with the id of the message, then it is booked once', async () => {
    await startInventory();
    const { out } = await receive('item1', '11', '--json');
    const { messageId } = JSON.parse(out) as { messageId: string };
    const again = await receive('item1', '11', '--id', messageId);
    expect(again).toEqual({ code: 0, out: 'item1: 11 received, 111 available, 0 reserved\n', err: '' });
    expect(await run('stock', 'receive', 'item1', '1', '--id', 'x')).toMatchObject({
      err: expect.stringContaining('UUID'),
    });
  });

  it('when the service sets limits for its dead letters, then a command that knows nothing of them is booked, before and after', async () => {
    expect((await run('stock', 'receive', 'item1', '5', '--no-wait')).code).toBe(0);
    const service = await startInventory({ DEAD_LETTER_TTL_MS: '60000', DEAD_LETTER_MAX_LENGTH: '7' });
    await waitUntil(async () => (await stock()).some((row) => JSON.stringify(row).includes('"available":105')));
    expect(await receive('item1', '6')).toMatchObject({ code: 0, err: '' });
    const report = await vhost.management<{ arguments: unknown }>('GET', 'queues/inventory_receive_stock.dlq');
    expect(report.arguments).toMatchObject({ 'x-message-ttl': 60_000, 'x-max-length': 7 });
    await waitUntil(async () => (await service.lifecycle.readiness()).ready, { what: 'the service to be ready' });
  });

  it('when the service does not run, then receive says that the message waits, and it is booked once it runs', async () => {
    const first = await startInventory();
    await first.lifecycle.stop();
    const { code, out, err } = await run('stock', 'receive', 'item1', '5', '--timeout', '0.3');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/has not booked message \S+ within 0\.3 s.*inventory_receive_stock.*Do not send it again/);
    await startInventory();
    await waitUntil(async () => (await stock()).some((row) => JSON.stringify(row).includes('"available":105')));
  });

  it('when it is told not to wait, then it returns when the broker has the message, also before the service has ever run', async () => {
    const { code, out } = await run('stock', 'receive', 'item3', '5', '--no-wait');
    expect(out).toMatch(/^item3: told the inventory service to receive 5 \(message \S+\)\n$/);
    expect(code).toBe(0);
    await startInventory();
    await waitUntil(async () => (await stock()).some((row) => row.productId === 'item3'));
  });

  it('when the service has never been started, then list says so, and receive sends nothing', async () => {
    const list = await run('stock', 'list');
    expect(list).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^warren: the database at \S+ has no stock tables/),
    });
    const receive = await run('stock', 'receive', 'item1', '5');
    expect(receive).toMatchObject({ code: 1, err: expect.stringMatching(/has no stock tables/) });
    const queues = await vhost.queues();
    expect(queues.filter((queue) => queue.name === QUEUES.inventoryReceiveStock)).toEqual([]);
  });

  it('when the database or the broker cannot be reached, then one line says which one, without its password', async () => {
    await startInventory();
    const nowhere = '127.0.0.1:1';
    env.DATABASE_URL = `postgres://user:secret@${nowhere}/warren`;
    expect((await run('stock', 'list')).err).toMatch(
      /^warren: cannot read the database at 127\.0\.0\.1:1: .*ECONNREFUSED.*\n$/,
    );
    env.DATABASE_URL = database.url;
    env.AMQP_URL = `amqp://user:secret@${nowhere}`;
    const { code, err } = await run('stock', 'receive', 'item1', '5');
    expect(err).toMatch(/^warren: cannot reach the broker at 127\.0\.0\.1:1: .*\n$/);
    expect(err).not.toContain('secret');
    expect(code).toBe(1);
  });

  it('when the broker refuses the login, then the message says so', async () => {
    await startInventory();
    const url = new URL(vhost.amqpUrl);
    url.password = 'wrong';
    env.AMQP_URL = url.href;
    const { code, err } = await run('stock', 'receive', 'item1', '5', '--no-wait');
    expect(err).toMatch(/^warren: cannot reach the broker at .*(login|ACCESS|refuse)/i);
    expect(code).toBe(1);
  });
});
