import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { shopCatalogue } from '@shop/events/catalogue';
import { OrderStatusUpdated } from '@shop/events/order';
import { createEvent } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { createId } from '@warren/kernel';
import { queuesFor, readTopologies } from '@warren/service';
import { createTestDatabase, createTestVhost, type TestDatabase, type TestVhost, waitUntil } from '@warren/testing';
import pg from 'pg';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** The text of the code block behind the marker, as it stands in the README. */
async function exampleOfReadme(): Promise<string> {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const block = /<!-- example: .*? -->\n```ts\n(?<code>[\s\S]*?)```/.exec(readme);
  return block?.groups?.code ?? '';
}

describe("the README's third service", () => {
  let folder: string;
  let vhost: TestVhost;
  let database: TestDatabase;
  beforeAll(async () => {
    await mkdir(join(root, 'node_modules/.cache'), { recursive: true });
    folder = await mkdtemp(join(root, 'node_modules/.cache/readme-example-'));
    [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
  });
  afterAll(async () => {
    await Promise.all([database?.drop(), vhost?.close(), rm(folder, { recursive: true, force: true })]);
  });

  it('when it is compiled as it stands, then it has no type error and fewer than 60 lines', async () => {
    const code = await exampleOfReadme();
    expect(code.trim().split('\n').length).toBeLessThan(60);
    const options = { composite: false, rootDir: '.', outDir: 'dist', declaration: false, declarationMap: false };
    const config = { extends: join(root, 'tsconfig.base.json'), compilerOptions: options, include: ['*.ts'] };
    await writeFile(join(folder, 'main.ts'), code);
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]);
  });

  it('when an order is confirmed, also when it is said three times, then it asks for one shipment, and drains at SIGTERM', async () => {
    const env = { ...process.env, AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url, SHIPPING_PORT: '0' };
    const service = spawn(process.execPath, [join(folder, 'dist/main.js')], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exited = once(service, 'exit');
    const bus = new EventBus({
      ...{ url: vhost.amqpUrl, service: 'test', catalogue: shopCatalogue },
      topology: queuesFor(readTopologies(new URL('../../services/', import.meta.url)), { service: 'test' }),
    });
    const db = new pg.Pool({ connectionString: database.url, max: 1 });
    try {
      await bus.connect();
      // It consumes once its queue is bound: an event from before that belongs to nobody.
      const queue = async () => (await vhost.queues()).find(({ name }) => name === 'shipping_order_status_updated');
      await waitUntil(async () => (await queue())?.consumers, { intervalMs: 500, what: 'the service to consume' });
      const confirmed = orderUpdated('confirmed');
      for (const event of [confirmed, confirmed, orderUpdated('cancelled'), confirmed]) await bus.publish(event);

      const shipments = () => db.query(`SELECT data, metadata FROM shipping_service.events`);
      const handled = () => db.query('SELECT 1 FROM shipping_service.inbox');
      await waitUntil(async () => (await handled()).rowCount === 2, { what: 'both events to be handled' });
      const { rows } = await shipments();
      expect(rows).toHaveLength(1);
      expect(rows[0].data).toEqual({ orderId: confirmed.aggregateId });
      expect(rows[0].metadata).toMatchObject({ causationId: confirmed.id, source: 'shipping' });
      service.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    } finally {
      service.kill('SIGKILL');
      await Promise.all([bus.close(), db.end()]);
    }
  });
});

function orderUpdated(status: 'confirmed' | 'cancelled') {
  const orderId = createId();
  const data = { orderId, status, updatedAt: new Date().toISOString() };
  return createEvent(OrderStatusUpdated, { aggregateId: orderId, data, source: 'test' });
}
