import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createCatalogue,
  ErrorOccurred,
  type EventOf,
  HealthChanged,
  ServiceStarted,
  ServiceStopping,
  systemEvents,
} from '@warren/contracts';
import { createBusComponent, EventBus } from '@warren/event-bus';
import {
  type ComponentHealth,
  createErrorFeed,
  createLifecycle,
  kernelErrors,
  type Lifecycle,
  type Logger,
  silentLogger,
} from '@warren/kernel';
import { createTcpProxy, createTestVhost, type TcpProxy, type TestVhost, waitUntil } from '@warren/testing';
import { createSystemEvents } from '../src/system-events/create-system-events.ts';

type SystemContract = (typeof systemEvents)[number];
type SystemEvent = EventOf<SystemContract>;

const catalogue = createCatalogue<SystemContract>(systemEvents);

let proxy: TcpProxy;
let listener: EventBus<SystemContract>;
let seen: SystemEvent[];
let lifecycle: Lifecycle;
let stock: ComponentHealth;
let logger: Logger;

const typesOf = (events: readonly SystemEvent[]) => events.map(({ type }) => type);
const comes = <Type extends SystemEvent['type']>(type: Type, wanted: (data: object) => boolean = () => true) =>
  waitUntil(
    () => seen.find((event): event is SystemEvent & { type: Type } => event.type === type && wanted(event.data)),
    { what: type },
  );

/** A service whose connection to the broker the test can hurt. It has a component with the health `stock`. */
async function startService(amqpUrl: string): Promise<void> {
  const errors = createErrorFeed(silentLogger);
  ({ logger } = errors);
  // Patient: what it waits for must not be over before the lifecycle finds it late.
  const patience = { publishTimeoutMs: 600_000, drainTimeoutMs: 600_000, heartbeatSeconds: 60 };
  const bus = new EventBus({ url: proxy.through(amqpUrl), service: 'shop', catalogue, logger, ...patience });
  const systemEvents = createSystemEvents({
    bus,
    service: 'shop',
    errors,
    readiness: () => lifecycle.readiness(),
    lookEveryMs: 20,
    errorLimit: 2,
    errorWindowMs: 500,
  });
  const components = [{ name: 'stock', health: () => stock }, createBusComponent(bus), systemEvents];
  lifecycle = createLifecycle(components, { logger, drainTimeoutMs: 20_000 });
  await lifecycle.start();
}

describe('the system events of a service', () => {
  let vhost: TestVhost;
  let amqpUrl: string;
  beforeEach(async () => {
    vhost = await createTestVhost();
    ({ amqpUrl } = vhost);
    proxy = await createTcpProxy(amqpUrl);
    stock = { up: true };
    seen = [];
    listener = new EventBus({ url: amqpUrl, service: 'test', catalogue });
    await listener.connect();
    await listener.subscribe({
      queue: 'test_system',
      bindings: [ServiceStarted, HealthChanged, ErrorOccurred, ServiceStopping],
      handler: async (event) => void seen.push(event),
    });
  });
  afterEach(async () => {
    proxy.freeze(false);
    await lifecycle.stop();
    await listener.close();
    await proxy.close();
    await vhost.close();
  });

  it('when it starts, changes its health and stops, then each is published, without the details of its components', async () => {
    await startService(amqpUrl);
    await comes('HealthChanged', (data) => 'ready' in data && data.ready === true);
    stock = { up: false, details: { url: 'postgres://user:secret@host' } };
    const down = await comes('HealthChanged', (data) => 'ready' in data && !data.ready);
    expect(down.data).toMatchObject({ service: 'shop', components: { stock: false, bus: true }, changes: 1 });
    await lifecycle.stop();
    const stopping = await comes('ServiceStopping');
    const [first, ...rest] = typesOf(seen);
    expect(first).toBe('ServiceStarted');
    // There may be more: its two connections need not come at the same moment.
    expect(rest.filter((type) => type !== 'HealthChanged')).toEqual(['ServiceStopping']);
    const { instanceId } = stopping.data;
    const about = { aggregateId: instanceId, metadata: { correlationId: instanceId, source: 'shop' } };
    expect(seen).toEqual(seen.map(() => expect.objectContaining({ aggregateId: instanceId })));
    expect(seen[0]).toMatchObject({ ...about, data: { pid: process.pid, node: process.version } });
    expect(JSON.stringify(seen)).not.toContain('secret');
    for (const event of seen) catalogue.parse(event);
  });

  it('when many errors are logged, then some are published, without the error texts, and the rest are counted', async () => {
    await startService(amqpUrl);
    await comes('ServiceStarted');
    const err = kernelErrors.COMPONENT_TIMEOUT('no answer from postgres://user:secret@host');
    for (let count = 0; count < 100; count += 1) logger.error({ err, correlationId: 'order-7' }, 'it failed');
    const last = await comes('ErrorOccurred', (data) => 'omitted' in data && Number(data.omitted) > 0);
    expect(last).toMatchObject({
      metadata: { correlationId: 'order-7' },
      data: { severity: 'error', message: 'it failed', code: 'COMPONENT_TIMEOUT', kind: 'fault', omitted: 97 },
    });
    expect(typesOf(seen).filter((type) => type === 'ErrorOccurred')).toHaveLength(3);
    expect(JSON.stringify(seen)).not.toContain('secret');
  });

  it('when the broker is down at the start, then its start, health and errors are published when the broker is back', async () => {
    proxy.refuse(true);
    await startService(amqpUrl);
    logger.error({ code: 'ODD' }, 'while nobody could hear it');
    proxy.refuse(false);
    await comes('ServiceStarted');
    await comes('HealthChanged', (data) => 'ready' in data && data.ready === true);
    await comes('ErrorOccurred', (data) => 'code' in data && data.code === 'ODD');
    const started = seen.find(({ type }) => type === 'ServiceStarted') as SystemEvent;
    const ready = seen.findLast(({ type }) => type === 'HealthChanged') as SystemEvent;
    expect(Date.parse(started.timestamp)).toBeLessThanOrEqual(Date.parse(ready.timestamp));
  });

  it('when the broker stops responding, then neither an error nor the stop waits for it', async () => {
    await startService(amqpUrl);
    await comes('HealthChanged', (data) => 'ready' in data && data.ready === true);
    proxy.freeze(true);
    logger.error('nobody hears it');
    // A bus that waited for confirms would be late: it would be left behind, and the stop would fail.
    await expect(lifecycle.stop()).resolves.toBeUndefined();
  });
});
