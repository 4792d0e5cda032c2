import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { shopCatalogue } from '@shop/events/catalogue';
import { InventoryReserved, ReceiveStock } from '@shop/events/inventory';
import { QUEUES } from '@shop/events/topology';
import { createEvent } from '@warren/contracts';
import { DeadLetters, EventBus } from '@warren/event-bus';
import { AppError } from '@warren/kernel';
import { queuesFor, readTopologies } from '@warren/service';
import { createTestVhost, type TestVhost, testEnvironment, uniqueName, waitUntil } from '@warren/testing';
import { CORE_QUEUES } from '../../tests/program/shop-queues.ts';
import { main } from '../src/main.ts';
import { createRecordingTerminal } from './recording-terminal.ts';

const queue = QUEUES.inventoryReceiveStock;
let vhost: TestVhost;
let env: Record<string, string>;

beforeEach(async () => {
  vhost = await createTestVhost();
  const { managementUrl } = testEnvironment();
  env = { AMQP_URL: vhost.amqpUrl, MANAGEMENT_URL: managementUrl, DATA_DIR: uniqueName('/nowhere') };
});

const buses: EventBus[] = [];
afterEach(async () => {
  await Promise.all(buses.splice(0).map((bus) => bus.close()));
  await vhost.close();
});

async function run(argv: string[], answer?: boolean) {
  const { terminal, written } = createRecordingTerminal(env, answer);
  return { code: await main(['dlq', ...argv], terminal), ...written };
}

/** Handles receipts by `handle` until the test ends. */
async function serve(handle: (quantity: number) => Promise<void>) {
  const bus = new EventBus({
    url: vhost.amqpUrl,
    service: 'inventory',
    topology: CORE_QUEUES,
    catalogue: shopCatalogue,
  });
  buses.push(bus);
  await bus.connect();
  const subscription = await bus.subscribe({
    queue,
    bindings: [ReceiveStock],
    handler: ({ data }) => handle(data.quantity),
  });
  return { bus, subscription };
}

/** Dead letters with the quantities 1, 2, …; gives their ids. */
async function fill(count: number): Promise<string[]> {
  const { bus, subscription } = await serve(async (quantity) => {
    throw new AppError({ code: quantity % 2 ? 'ODD' : 'EVEN', kind: 'invalid', message: 'wrong \u001b[31mcolour' });
  });
  const events = Array.from({ length: count }, (_, index) =>
    createEvent(ReceiveStock, {
      aggregateId: 'item1',
      data: { productId: 'item1', quantity: index + 1 },
      source: 'test',
    }),
  );
  await bus.publishAll(events);
  const letters = await DeadLetters.connect({ url: vhost.amqpUrl });
  await waitUntil(async () => (await letters.count(queue)) === count, { what: `${count} dead letters` });
  await letters.close();
  await subscription.cancel();
  return events.map(({ id }) => id);
}

const listed = async (...options: string[]) =>
  JSON.parse((await run(['list', '--json', ...options])).out) as { id: string }[];

describe('warren dlq', () => {
  it('when there are dead letters, then list shows them in a table and as JSON, and show everything about one', async () => {
    const ids = await fill(2);
    const { code, out, err } = await run(['list']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^QUEUE +REASON +CODE +COUNT\n(?:inventory_receive_stock +invalid +(?:ODD|EVEN) +1\n){2}2 in all\n\n/,
    );
    expect(out).toMatch(/\n\nQUEUE +ID +TYPE +REASON +CODE +TRIES +REPLAYS +FAILED\n/);
    expect(out).toMatch(new RegExp(`${queue} +${ids[0]} +ReceiveStock +invalid +ODD +1 +0 +\\S+Z\n`));
    expect((await listed()).map(({ id }) => id)).toEqual(ids);
    expect((await listed('--code', 'EVEN', '--newer-than', '1h', '-q', `${queue}.dlq`)).map(({ id }) => id)).toEqual([
      ids[1],
    ]);
    expect(await listed('--older-than', '1h')).toEqual([]);
    expect(await listed('--limit', '1')).toHaveLength(1);
    expect(await run(['list', '--json', '--limit', '1'])).toMatchObject({
      err: 'warren: there are more than these 1: --limit <count> prints more\n',
    });
    const first = await run(['list', '--limit', '1']);
    expect(first.out).toContain('2 in all');
    expect(first.out).toMatch(
      new RegExp(`FAILED\n.*${ids[0]}.*\n\n1 of 2 are shown: --limit <count> shows more\\.\n$`),
    );
    const shown = await run(['show', ids[1] ?? '']);
    expect(shown.out).toMatch(/code +EVEN\n(.*\n)*.*"quantity": 2/);
    expect(shown.out).not.toContain('\u001b');
    expect(await run(['show', 'nobody'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no dead letter nobody'),
    });
  });

  it('when the cause is mended, then replay puts them back and each is handled once; a dry run only counts', async () => {
    await fill(3);
    expect((await run(['replay', '--dry-run', '--json'])).out).toContain('"count": 3');
    expect(await listed()).toHaveLength(3);
    const handled: number[] = [];
    await serve(async (quantity) => void handled.push(quantity));
    const { code, out } = await run(['replay', '--code', 'ODD']);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/2\n2 replayed\n$/) });
    await waitUntil(() => handled.length === 2);
    expect(handled).toEqual([1, 3]);
    expect(await listed()).toHaveLength(1);
  });

  it('when purge is not agreed to, then nothing is lost; when it is, then only what was chosen goes', async () => {
    await fill(3);
    expect(await run(['purge'])).toMatchObject({ code: 1, err: expect.stringContaining('--yes') });
    expect(await run(['purge'], false)).toMatchObject({
      code: 1,
      err: expect.stringContaining(`3 dead letters for good (3 of ${queue})`),
    });
    expect((await run(['purge', '--dry-run'])).out).toContain('3 would be purged');
    expect(await listed()).toHaveLength(3);
    expect((await run(['purge', '--code', 'ODD'], true)).out).toContain('2 purged');
    expect((await run(['purge', '--yes'])).out).toContain('1 purged');
    expect((await run(['list'])).out).toBe('There are no such dead letters.\n');
  });

  it('when a person looks on, then a progress bar is drawn and removed', async () => {
    await fill(2);
    const { err } = await run(['replay'], true);
    expect(err).toContain(`replaying ${queue} [########################] 2/2, 2 chosen`);
    expect(err.endsWith('\r\u001b[K')).toBe(true);
  });

  it('when a service has a queue of its own, then its dead letters are there as well; without the management API it says what it leaves out', async () => {
    const bus = new EventBus({
      url: vhost.amqpUrl,
      service: 'shipping',
      catalogue: shopCatalogue,
      topology: queuesFor(readTopologies(new URL('../../services/', import.meta.url)), { service: 'shipping' }),
    });
    buses.push(bus);
    await bus.connect();
    const handler = async () => {
      throw new AppError({ code: 'NO_TRUCK', kind: 'invalid', message: 'no truck' });
    };
    await bus.subscribe({ queue: 'shipping_inventory_reserved', bindings: [InventoryReserved], handler });
    const data = { orderId: 'order-1', reservations: [{ productId: 'item1', quantity: 1 }] };
    await bus.publish(createEvent(InventoryReserved, { aggregateId: 'order-1', data, source: 'test' }));
    const codes = async () => (await run(['list', '--json'])).out;
    await waitUntil(async () => (await codes()).includes('NO_TRUCK'), { what: 'the dead letter in the list of all' });
    env.MANAGEMENT_URL = '';
    expect(await run(['list'])).toEqual({
      code: 0,
      out: 'There are no such dead letters.\n',
      err: expect.stringContaining('MANAGEMENT_URL'),
    });
    expect((await run(['list', '-q', 'shipping_inventory_reserved'])).out).toContain('NO_TRUCK');
    env.MANAGEMENT_URL = 'http://user:secret@127.0.0.1:1';
    const { code, err } = await run(['list']);
    expect(err).toMatch(/^warren: cannot list the queues by the management API at 127\.0\.0\.1:1: .*\n$/);
    expect(code).toBe(1);
  });

  it('when somebody else has a queue with such a name, then nothing touches it', async () => {
    await fill(1);
    await vhost.management('PUT', 'queues/somebody.dlq', { durable: true });
    await vhost.management('POST', 'exchanges/amq.default/publish', {
      properties: {},
      routing_key: 'somebody.dlq',
      payload: 'theirs',
      payload_encoding: 'string',
    });
    const theirs = async () => (await vhost.queues()).find(({ name }) => name === 'somebody.dlq')?.messages;
    await waitUntil(async () => (await theirs()) === 1, { what: 'their message' });

    expect(JSON.parse((await run(['purge', '--yes', '--json'])).out)).toEqual([{ queue, count: 1 }]);
    expect(JSON.parse((await run(['list', '--json'])).out)).toEqual([]);
    expect(await theirs()).toBe(1);
  });

  it('when MANAGEMENT_URL carries no login, then that of the broker is used', async () => {
    const url = new URL(env.MANAGEMENT_URL ?? '');
    env.MANAGEMENT_URL = `${url.origin}/`;
    await fill(1);
    expect((await run(['list'])).out).toContain('ODD');
  });

  it('when nothing was ever declared, then there are none; a queue that was named must exist', async () => {
    expect((await run(['list'])).out).toBe('There are no such dead letters.\n');
    expect(await run(['list', '-q', 'nonsense'])).toMatchObject({
      code: 1,
      err: 'warren: there is no queue nonsense.dlq\n',
    });
    env.AMQP_URL = 'amqp://user:secret@127.0.0.1:1';
    const { code, err } = await run(['list']);
    expect(err).toMatch(/^warren: cannot reach the broker at 127\.0\.0\.1:1: .*\n$/);
    expect({ code, secret: err.includes('secret') }).toEqual({ code: 1, secret: false });
  });
});
