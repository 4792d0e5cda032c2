import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { defineEvent, type EventEnvelope } from '@warren/contracts';
import type { CommitListener, Deadline, RecordedEvent, ServiceStore } from '@warren/event-store';
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
let commit: CommitListener;

const committed = (id: string, { category = 'bell', streamVersion = 1 } = {}) =>
  ({ streamId: `${category}-${id}`, streamVersion, aggregateId: id }) as RecordedEvent;
const answer = (bellId: string) => ({ type: 'Tuned', data: { bellId } }) as unknown as EventEnvelope;
const ids = Array.from({ length: 100 }, (_, at) => `bell-${at}`);
const metric = async (line: string) => (await metrics.metrics()).split('\n').find((one) => one.startsWith(line));

beforeEach(() => {
  jest.useFakeTimers();
  now = 0;
  metrics = createMetricsRegistry('porter', { collectDefaults: false });
  alerts = createAlerts();
  const onCommitted = (listener: CommitListener) => {
    commit = listener;
    return () => undefined;
  };
  const log = { onCommitted };
  shedding = createLoadShedding({ targetMs: 200, deadlines: [deadline], log, alerts, metrics, now: () => now });
});
afterEach(() => void jest.useRealTimers());

/** As many streams as may wait, which have waited for half of the target. */
function fillUp(): void {
  commit(ids.map((id) => committed(id)));
  now = 150;
}

describe('load shedding', () => {
  it('when too many streams wait for their answers, then nothing is admitted until an answer comes', () => {
    fillUp();
    expect(shedding.admits()).toBe(false);
    shedding.handled([answer('bell-9')]);
    expect(shedding.admits()).toBe(true);
  });

  it('when other streams begin, or streams go on, or other messages are handled, then that does not count', () => {
    commit(ids.map((id) => committed(id, { category: 'chime' })));
    commit(ids.map((id) => committed(id, { streamVersion: 2 })));
    now = 150;
    expect(shedding.admits()).toBe(true);
    now = 0;
    fillUp();
    shedding.handled([{ ...answer('bell-9'), type: 'Rung' }]);
    expect(shedding.admits()).toBe(false);
  });

  it('when too much waits to be stored, then nothing is admitted until some of it is stored; the store is otherwise the same', async () => {
    const ends: (() => void)[] = [];
    const create = () => new Promise<void>((resolve) => ends.push(resolve));
    const store = { create, canFollow: true, drain: async () => undefined } as unknown as ServiceStore;
    const measured = shedding.measure(store);
    expect([measured.canFollow, measured.drain]).toEqual([true, store.drain]);
    const created = ids.map(() => measured.create(aggregate as never, {} as never, {} as never));
    now = 150;
    expect(shedding.admits()).toBe(false);
    expect(await metric('warren_shed_requests_total{waits_for="store"')).toMatch(/ 1$/);
    ends[0]?.();
    await created[0];
    expect(shedding.admits()).toBe(true);
  });

  it('when requests are rejected, then they are counted, and one alert lasts until none has been rejected for a while', async () => {
    fillUp();
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
