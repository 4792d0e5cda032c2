import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createCatalogue, createEvent, defineEvent, type EventEnvelope } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { createTestDatabase, createTestVhost, type TestDatabase, type TestVhost, waitUntil } from '@warren/testing';
import { Type } from 'typebox';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
/** What a checkout has beside its sources, and a copy must not share. */
const NOT_COPIED = new Set(['.git', '.data', 'node_modules']);

const data = Type.Object({ shippingId: Type.String() });
const at = { version: 1, exchange: 'shipping', schema: data };
const ShippingRequested = defineEvent({ ...at, type: 'ShippingRequested', routingKey: 'shipping.requested' });
const ShippingCompleted = defineEvent({ ...at, type: 'ShippingCompleted', routingKey: 'shipping.completed' });
const catalogue = createCatalogue([ShippingRequested, ShippingCompleted]);

describe('a service that npx warren new service has written', () => {
  let checkout: string;
  let vhost: TestVhost;
  let database: TestDatabase;
  const inCheckout = (program: string, ...args: string[]) => run(program, args, { cwd: checkout });

  beforeAll(async () => {
    checkout = await mkdtemp(join(process.env.WARREN_TEST_DIR ?? tmpdir(), 'checkout-'));
    for (const name of await readdir(root)) {
      if (!NOT_COPIED.has(name)) await cp(join(root, name), join(checkout, name), { recursive: true });
    }
    // npm links the new package into them, and must not touch ours.
    await cp(join(root, 'node_modules'), join(checkout, 'node_modules'), { recursive: true, verbatimSymlinks: true });
    [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
    await inCheckout(process.execPath, 'cli/bin/warren.mjs', 'new', 'service', 'shipping');
  });
  afterAll(async () => {
    await Promise.all([database?.drop(), vhost?.close()]);
    await rm(checkout, { recursive: true, force: true, maxRetries: 5 });
  });

  it('when the checkout is checked, then the new service passes with all the others', async () => {
    await inCheckout('npm', 'run', '--silent', 'lint');
    await inCheckout('npm', 'run', '--silent', 'rules');
    await inCheckout('npm', 'run', '--silent', 'types');
    await inCheckout('npm', 'run', '--silent', 'unit', '--', 'services/shipping', 'scripts', 'tests/contracts');
  });

  it('when it is built and runs, then an event in makes an event out, once, also when it is killed', async () => {
    await inCheckout('npm', 'run', '--silent', 'build');
    const heard: EventEnvelope[] = [];
    const bus = new EventBus({ url: vhost.amqpUrl, service: 'test', catalogue });
    await bus.connect();
    const handler = async (event: EventEnvelope) => void heard.push(event);
    await bus.subscribe({ queue: 'test_shipping', bindings: [ShippingCompleted], handler });
    const addresses = { AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url, SHIPPING_PORT: '0', LOG_LEVEL: 'error' };
    const start = () =>
      spawn(process.execPath, [join(checkout, 'services/shipping/dist/main.js')], {
        env: { ...process.env, ...addresses },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    const ask = (shippingId: string) =>
      createEvent(ShippingRequested, { aggregateId: shippingId, source: 'test', data: { shippingId } });
    const completed = () => heard.map((event) => (event.data as { shippingId: string }).shippingId);
    let service = start();
    try {
      const queue = async () => (await vhost.queues()).find(({ name }) => name === 'shipping_shipping_requested');
      await waitUntil(async () => (await queue())?.consumers, { intervalMs: 500, what: 'the service to consume' });
      const [first, second] = [ask('1'), ask('2')];
      for (const event of [first, first]) await bus.publish(event);
      await waitUntil(() => heard.length > 0, { what: 'the first answer' });
      const killed = once(service, 'exit');
      service.kill('SIGKILL');
      await killed;
      for (const event of [first, second]) await bus.publish(event);
      service = start();
      await waitUntil(() => completed().includes('2'), { what: 'the answer after the kill' });
      expect(new Set(completed())).toEqual(new Set(['1', '2']));
      expect(new Set(heard.map(({ id }) => id)).size).toBe(2);
      const ended = once(service, 'exit');
      service.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    } finally {
      service.kill('SIGKILL');
      await bus.close();
    }
  });
});
