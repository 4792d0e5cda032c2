import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { defineEvent, type EventEnvelope } from '@warren/contracts';
import type { Deadline, ServiceStore } from '@warren/event-store';
import { createAlerts, createMetricsRegistry, type MetricsRegistry } from '@warren/kernel';
import { Type } from 'typebox';
import { createLoadShedding, type LoadShedding } from '../../src/load-shedding/create-load-shedding.ts';
import { bell } from '../bell-aggregate.ts';

const Tuned = defineEvent({
  ...{ type: 'Tuned', version: 1, exchange: 'tuners', routingKey: 'bell.tuned' },
  schema: Type.Object({ bellId: Type.String() }),
});
const aggregate = { ...bell, idOf: ({ data }: EventEnvelope<string, number, { bellId: string }>) => data.bellId };
const deadline = { aggregate, answeredBy: [Tuned] } as unknown as Deadline;

let now: number;
let metrics: MetricsRegistry;
let alerts: ReturnType<typeof createAlerts>;
let shedding: LoadShedding;
/** Stores what was begun first. */
let store: (() => void)[];
let measured: ServiceStore;

const answer = (bellId: string) => ({ type: 'Tuned', data: { bellId } }) as unknown as EventEnvelope;
const ids = Array.from({ length: 100 }, (_, at) => `bell-${at}`);
const metric = async (line: string) => (await metrics.metrics()).split('\n').find((one) => one.startsWith(line));
const create = (bellId: string, of: object = aggregate) =>
  measured.create(of as typeof bell, { data: { bellId } } as never, {} as never);
const storeAll = () => {
  for (const end of store.splice(0)) end();
};

beforeEach(() => {
  jest.useFakeTimers();
  now = 0;
  store = [];
  metrics = createMetricsRegistry('porter', { collectDefaults: false });
  alerts = createAlerts();
  shedding = createLoadShedding({ targetMs: 200, deadlines: [deadline], alerts, metrics, now: () => now });
  const plain = {
    create: (_: object, { data }: { data: { bellId: string } }) =>
      new Promise((resolve) => store.push(() => resolve({ aggregateId: data.bellId }))),
    canFollow: true,
    drain: async () => undefined,
  };
  measured = shedding.measure(plain as unknown as ServiceStore);
});
afterEach(() => void jest.useRealTimers());

/** Streams that wait for an answer while answers come, until half of the target is over. */
async function fillUp(streams = ids): Promise<void> {
  const created = ['answered', ...streams].map((id) => create(id));
  storeAll();
  await Promise.all(created);
  now = 150;
  shedding.handled([answer('answered')]);
}

describe('load shedding', () => {
  it('when too many streams wait for their answers, then nothing is admitted until an answer comes', async () => {
    await fillUp();
    expect(shedding.admits()).toBe(false);
    shedding.handled([answer('bell-9')]);
    expect(shedding.admits()).toBe(true);
  });

  it('when streams begin that wait for nothing, or other messages are handled, then that does not count', async () => {
    const chime = { ...aggregate, category: 'chime' };
    const created = ids.map((id) => create(id, chime));
    storeAll();
    await Promise.all(created);
    now = 150;
    expect(shedding.admits()).toBe(true);
    now = 0;
    await fillUp();
    shedding.handled([{ ...answer('bell-9'), type: 'Rung' }]);
    expect(shedding.admits()).toBe(false);
  });

  it('when a request is repeated under its key, then it waits for nothing', async () => {
    const first = { ...aggregate, idOf: () => 'another id' };
    const created = ids.map((id) => create(id, first));
    storeAll();
    await Promise.all(created);
    expect(await metric('warren_shed_in_flight{waits_for="answers"')).toMatch(/ 0$/);
  });

  it('when streams are being stored, then they count among those that will wait for answers', async () => {
    await fillUp(ids.slice(0, 99));
    expect(shedding.admits()).toBe(true);
    void create('bell-99');
    expect(shedding.admits()).toBe(false);
    expect(await metric('warren_shed_requests_total{waits_for="answers"')).toMatch(/ 1$/);
  });

  it('when an answer comes soon although many streams were being stored when its own began, then more is allowed', async () => {
    const created = ids.map((id) => create(id));
    storeAll();
    await Promise.all(created);
    now = 50;
    shedding.handled([answer('bell-99')]);
    expect(await metric('warren_shed_limit{waits_for="answers"')).toMatch(/ 102$/);
  });

  it('when too much waits to be stored, then nothing is admitted until some of it is; the store is otherwise the same', async () => {
    expect([measured.canFollow, await measured.drain()]).toEqual([true, undefined]);
    const created = ids.map((id) => create(id, { ...aggregate, category: 'chime' }));
    now = 150;
    expect(shedding.admits()).toBe(false);
    expect(await metric('warren_shed_requests_total{waits_for="store"')).toMatch(/ 1$/);
    store.shift()?.();
    await created[0];
    expect(shedding.admits()).toBe(true);
  });

  it('when requests are rejected, then they are counted, and one alert lasts until none has been rejected for a while', async () => {
    await fillUp();
    for (let n = 0; n < 1000; n += 1) shedding.admits();
    expect(alerts.active()).toMatchObject(
      [{ code: 'OVERLOADED', count: 1, reason: /answered by other services/ }].map((alert) => ({
        ...alert,
        reason: expect.stringMatching(alert.reason),
      })),
    );
    expect(await metric('warren_shed_requests_total{waits_for="answers"')).toMatch(/ 1000$/);
    expect(await metric('warren_shed_limit{waits_for="answers"')).toMatch(/ 100$/);
    expect(await metric('warren_shed_in_flight{waits_for="answers"')).toMatch(/ 100$/);
    jest.advanceTimersByTime(4000);
    shedding.admits();
    jest.advanceTimersByTime(4000);
    expect(alerts.active()).toHaveLength(1);
    jest.advanceTimersByTime(4000);
    expect(alerts.active()).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
