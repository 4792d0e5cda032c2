import { afterEach, describe, expect, it } from '@jest/globals';
import { type ServiceProcess, startTestBroker, type TestBroker, waitUntil } from '@warren/testing';
import { runConcurrently } from './load.ts';
import { type System, startSystem } from './system.ts';

/** What a process may take more than before: thousands of waiting requests would take more. */
const MEMORY_BOUND_MB = 100;

let system: System;
let broker: TestBroker | undefined;
afterEach(async () => {
  system?.databaseProxy.freeze(false);
  await system?.close();
  await broker?.close();
  broker = undefined;
});

const one = [{ productId: 'item1', quantity: 1 }];

async function rssMb(service: ServiceProcess | undefined): Promise<number> {
  const page = await (await fetch(`${service?.url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes\{.*\} (\S+)$/m.exec(page)?.[1]) / 1e6;
}

interface Readiness {
  ready: boolean;
  components: { bus: { details: { publishing: string; blocked?: string } } };
}

async function readinessOf(service: ServiceProcess | undefined): Promise<Readiness> {
  return (await (await fetch(`${service?.url}/health/ready`)).json()) as Readiness;
}

describe('back-pressure', () => {
  it('when the broker raises its memory alarm, then orders are taken, the relay pauses, readiness says blocked, and all goes on by itself', async () => {
    broker = await startTestBroker();
    system = await startSystem({ broker, env: { INITIAL_STOCK: 'item1:10000' } });
    const [order] = system.orders;
    await system.ended((await system.place(one)).id, 40_000);
    await broker.control(['set_vm_memory_high_watermark', 'absolute', '1MB']);
    // The broker tells a connection that it is blocked when that publishes.
    const early = await system.place(one);
    await waitUntil(async () => (await readinessOf(order)).components.bus.details.publishing === 'blocked', {
      timeoutMs: 30_000,
      what: 'readiness to say that publishing is blocked',
    });
    const blocked = await readinessOf(order);
    expect(blocked).toMatchObject({ ready: false, components: { bus: { details: { blocked: expect.any(String) } } } });

    const before = await rssMb(order);
    const placed = await runConcurrently(500, 50, () => system.place(one));
    expect((await rssMb(order)) - before).toBeLessThan(MEMORY_BOUND_MB);
    expect((await system.get(early.id)).status).toBe('pending');
    expect((await readinessOf(order)).ready).toBe(false);

    await broker.control(['set_vm_memory_high_watermark', '0.4']);
    for (const { id } of [early, ...placed]) expect((await system.ended(id, 60_000)).status).toBe('confirmed');
    await waitUntil(async () => (await readinessOf(order)).ready, { timeoutMs: 30_000, what: 'readiness' });
  }, 180_000);

  it('when more orders come than may wait for a database that hangs, then those beyond get 503 at once, and memory does not grow with them', async () => {
    const limit = 50;
    system = await startSystem({ env: { MAX_WAITING_ORDERS: String(limit) } });
    const [order] = system.orders;
    const lines = Array.from({ length: 100 }, (_, index) => ({
      productId: `${index}-${'x'.repeat(100)}`,
      quantity: 1,
    }));
    await system.place(lines);
    const before = await rssMb(order);
    system.databaseProxy.freeze(true);
    const held = runConcurrently(limit, limit, async () => (await system.post(one)).status);
    const first = await waitUntil(async () => {
      const answer = await system.post(one);
      return answer.status === 503 ? answer : undefined;
    });
    expect(first.headers.get('retry-after')).toBe('1');
    expect(await first.json()).toMatchObject({ code: 'ORDER_QUEUE_FULL' });

    const burst = await runConcurrently(
      3000,
      200,
      async () => (await system.post(lines)).json() as Promise<{ code: string }>,
    );
    // While the database hangs each statement fails in the end, and lets a few into the places that are free then.
    const turnedAway = burst.filter(({ code }) => code === 'ORDER_QUEUE_FULL');
    expect(turnedAway.length).toBeGreaterThan(2000);
    expect((await rssMb(order)) - before).toBeLessThan(MEMORY_BOUND_MB);
    system.databaseProxy.freeze(false);
    expect(new Set(await held)).not.toContain(500);
    await waitUntil(async () => (await system.post(one)).status === 201, {
      timeoutMs: 30_000,
      what: 'orders to be taken',
    });
  }, 120_000);
});
