import { afterEach, describe, expect, it } from '@jest/globals';
import { type ServiceProcess, startTestBroker, type TestBroker, waitUntil } from '@warren/testing';
import { runConcurrently } from './load.ts';
import { type System, startSystem } from './system.ts';

let system: System;
let broker: TestBroker | undefined;
afterEach(async () => {
  system?.databaseProxy.freeze(false);
  await system?.close();
  await broker?.close();
  broker = undefined;
});

const one = [{ productId: 'item1', quantity: 1 }];

/** Events that the relay has read and not yet published; not a number when the service does not tell. */
async function relayInFlight(service: ServiceProcess | undefined): Promise<number> {
  const page = await (await fetch(`${service?.url}/metrics`)).text();
  return Number(/^warren_relay_in_flight(?:\{.*\})? (\S+)$/m.exec(page)?.[1]);
}

interface Readiness {
  ready: boolean;
  status: string;
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
    await system.ended((await system.place(one)).id);
    await broker.control(['set_vm_memory_high_watermark', 'absolute', '1MB']);
    // The broker tells a connection that it is blocked when that publishes.
    const early = await system.place(one);
    await waitUntil(async () => (await readinessOf(order)).components.bus.details.publishing === 'blocked', {
      what: 'readiness to say that publishing is blocked',
    });
    const blocked = await readinessOf(order);
    expect(blocked).toMatchObject({
      status: 'degraded',
      components: { bus: { details: { blocked: expect.any(String) } } },
    });

    const before = await relayInFlight(order);
    const placed = await runConcurrently(200, 50, () => system.place(one));
    expect(before).toBeGreaterThanOrEqual(1);
    expect(await relayInFlight(order)).toBe(before);
    expect((await system.get(early.id)).status).toBe('pending');
    expect((await readinessOf(order)).ready).toBe(false);

    await broker.control(['set_vm_memory_high_watermark', '0.4']);
    for (const { status } of await system.allEnded([early, ...placed])) expect(status).toBe('confirmed');
    await waitUntil(async () => (await readinessOf(order)).ready, { what: 'readiness' });
  });

  it('when the database hangs, then orders beyond those that wait for it get 503 while it still hangs, and no more of them wait', async () => {
    const burst = 500;
    system = await startSystem({ env: { SHED_ABOVE_MS: '200', DATABASE_STATEMENT_TIMEOUT_MS: '60000' } });
    // Nothing is half-way in the database that all suites share: an open transaction holds up every relay.
    await system.ended((await system.place(one)).id);
    system.databaseProxy.freeze(true);
    const held: Promise<Response>[] = [];
    let rejected: Response | undefined;
    const ask = async () => {
      const answer = await system.post(one);
      if (answer.status === 503) rejected ??= answer;
      return answer;
    };
    const first = await waitUntil(() => {
      held.push(...Array.from({ length: 20 }, ask));
      return rejected;
    });
    expect(first.headers.get('retry-after')).toBe('1');
    expect(await first.json()).toMatchObject({ code: 'OVERLOADED' });

    const answers = await Promise.all(
      Array.from({ length: burst }, async () => (await (await system.post(one)).json()) as { code: string }),
    );
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['OVERLOADED']));
    system.databaseProxy.freeze(false);
    expect(new Set((await Promise.all(held)).map(({ status }) => status))).not.toContain(500);
    await waitUntil(async () => (await system.post(one)).status === 201, {
      what: 'orders to be taken',
    });
  });
});
