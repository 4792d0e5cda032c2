import { describe, expect, it } from '@jest/globals';
import { createAnswersInFlight } from '../../src/load-shedding/answers-in-flight.ts';
import { createSimulatedSaga, percentile, TARGET_MS } from './simulated-saga.ts';

const MINUTES = 240;

describe('answers that new work waits for: flowing', () => {
  it.each([300, 700, 5000])(
    'when three times as much is offered as is answered (%i/s), then that much is accepted, and done in time',
    (perSecond) => {
      const saga = createSimulatedSaga({ perSecond });
      saga.run({ perSecond: perSecond / 4, seconds: 2 });
      saga.run({ perSecond: perSecond * 3, seconds: 5 });
      const { rejected, tookMs } = saga.run({ perSecond: perSecond * 3, seconds: 20 });
      expect(rejected).toBeGreaterThan(perSecond * 20);
      expect(tookMs.length).toBeGreaterThan(0.95 * perSecond * 20);
      expect(percentile(tookMs, 0.99)).toBeLessThan(1.6 * TARGET_MS);
    },
  );

  it('when an overload begins, then the first orders are done in time as well', () => {
    const saga = createSimulatedSaga();
    const { tookMs } = saga.run({ perSecond: 1667, seconds: 10 });
    expect(Math.max(...tookMs)).toBeLessThan(2 * TARGET_MS);
  });

  it('when the load falls, then nothing is rejected any more', () => {
    const saga = createSimulatedSaga();
    saga.run({ perSecond: 1667, seconds: 10 });
    saga.run({ perSecond: 150, seconds: 0.02 });
    expect(saga.run({ perSecond: 150, seconds: 5 }).rejected).toBe(0);
  });

  it('when many come at the same moment and nothing has waited for long, then none is rejected', () => {
    const saga = createSimulatedSaga();
    saga.run({ perSecond: 50, seconds: 5 });
    expect(Array.from({ length: 300 }, () => saga.offer())).not.toContain(false);
  });

  it('when an answer takes longer than the target although few wait, then only what is more than a few is rejected', () => {
    const saga = createSimulatedSaga({ latencyMs: 3 * TARGET_MS });
    expect(saga.run({ perSecond: 50, seconds: 20 }).rejected).toBe(0);
    saga.run({ perSecond: 500, seconds: 20 });
    expect(saga.run({ perSecond: 500, seconds: 20 }).tookMs.length).toBeGreaterThan(70 * 20);
  });

  it('when two instances share the answers, then both keep to what is answered in time', () => {
    const saga = createSimulatedSaga({ instances: 2 });
    saga.run({ perSecond: 1667, seconds: 5 });
    const { tookMs } = saga.run({ perSecond: 1667, seconds: 20 });
    expect(tookMs.length).toBeGreaterThan(0.95 * 700 * 20);
    expect(percentile(tookMs, 0.99)).toBeLessThan(2 * TARGET_MS);
  });
});

describe('answers that new work waits for: stalled, then catching up', () => {
  it.each([
    ['one instance', 1],
    ['two instances', 2],
  ])(
    'when answers stop for minutes, then nothing is rejected, and neither once they come again (%s)',
    (_, instances) => {
      const saga = createSimulatedSaga({ instances });
      saga.run({ perSecond: 200, seconds: 5 });
      saga.answering = false;
      expect(saga.run({ perSecond: 100, seconds: MINUTES }).rejected).toBe(0);
      expect(saga.waiting).toBeGreaterThan(18_000);
      expect(Math.max(...saga.remembered())).toBeLessThanOrEqual(10_000);
      saga.answering = true;
      expect(saga.run({ perSecond: 200, seconds: 60 }).rejected).toBe(0);
      expect(saga.waiting).toBeLessThan(100);
    },
  );

  it('when the instance was restarted meanwhile, then nothing is rejected while the answers to older streams come', () => {
    const saga = createSimulatedSaga();
    saga.answering = false;
    saga.run({ perSecond: 200, seconds: 60 });
    saga.restart();
    saga.answering = true;
    expect(saga.run({ perSecond: 200, seconds: 60 }).rejected).toBe(0);
    expect(saga.waiting).toBeLessThan(100);
  });

  it('when more is offered than is answered while it catches up, then so much is rejected that the backlog shrinks; then it is as before', () => {
    const saga = createSimulatedSaga();
    saga.answering = false;
    saga.run({ perSecond: 1667, seconds: 5 });
    const backlog = saga.waiting;
    expect(backlog).toBeGreaterThan(7000);
    saga.answering = true;
    expect(saga.run({ perSecond: 1667, seconds: 10 }).rejected).toBeGreaterThan(0);
    expect(saga.waiting).toBeLessThan(backlog - 1000);
    saga.run({ perSecond: 1667, seconds: 60 });
    expect(saga.limits()[0]).toBeGreaterThan(120);
    const { tookMs } = saga.run({ perSecond: 1667, seconds: 20 });
    expect(percentile(tookMs, 0.99)).toBeLessThan(2 * TARGET_MS);
  });

  it('when everything is answered while it catches up, then new work is accepted at once', () => {
    const saga = createSimulatedSaga({ perSecond: 100 });
    saga.answering = false;
    saga.run({ perSecond: 100, seconds: 3 });
    saga.answering = true;
    saga.run({ perSecond: 1667, seconds: 5 });
    while (saga.waiting > 0) saga.run({ perSecond: 0, seconds: 0.001 });
    expect(saga.run({ perSecond: 50, seconds: 5 }).rejected).toBe(0);
  });

  it('when answers stop again while it catches up, then nothing is rejected once they come back', () => {
    const saga = createSimulatedSaga();
    saga.answering = false;
    saga.run({ perSecond: 200, seconds: 30 });
    saga.answering = true;
    saga.run({ perSecond: 200, seconds: 1 });
    saga.answering = false;
    saga.run({ perSecond: 200, seconds: 20 });
    saga.answering = true;
    expect(saga.run({ perSecond: 200, seconds: 60 }).rejected).toBe(0);
    expect(saga.waiting).toBeLessThan(100);
  });

  it('when every answer takes more than two targets, then catching up ends all the same, and nothing is rejected at low load', () => {
    const saga = createSimulatedSaga({ latencyMs: 3 * TARGET_MS });
    saga.run({ perSecond: 50, seconds: 5 });
    saga.answering = false;
    saga.run({ perSecond: 50, seconds: 10 });
    saga.answering = true;
    expect(saga.run({ perSecond: 50, seconds: MINUTES }).rejected).toBe(0);
  });

  it('when answers pause for less than an outage, then what came in meanwhile is worked off before more is accepted', () => {
    const saga = createSimulatedSaga();
    saga.run({ perSecond: 1667, seconds: 5 });
    saga.answering = false;
    saga.run({ perSecond: 1667, seconds: 1 });
    const backlog = saga.waiting;
    saga.answering = true;
    saga.run({ perSecond: 1667, seconds: 0.5 });
    expect(saga.waiting).toBeLessThan(backlog - 200);
  });
});

describe('what an answer says', () => {
  /** Streams that were stored at the same moment, a number each; the limit is 100. */
  function storeAt(at: number, count: number) {
    let now = at;
    const answers = createAnswersInFlight(TARGET_MS, () => now);
    const store = (from: number, to: number) => {
      for (let n = from; n < to; n += 1) answers.stored(`${n}`, { at: now, inFlight: n + 1 });
    };
    store(0, count);
    const pass = (ms: number) => {
      now += ms;
    };
    return { answers, store, pass };
  }

  it('when a stream has its answer, then so have the earlier ones, whichever instance got theirs', () => {
    const { answers } = storeAt(0, 3);
    answers.answered('1');
    expect(answers.size).toBe(1);
  });

  it('when it comes after an outage, then its time teaches nothing', () => {
    const { answers, pass } = storeAt(0, 100);
    pass(20 * TARGET_MS);
    answers.answered('99');
    expect(answers.limit.value).toBe(100);
  });

  it('when it comes after an outage, then the streams that wait since before are no load, however few they are', () => {
    const { answers, store, pass } = storeAt(0, 150);
    pass(20 * TARGET_MS);
    answers.answered('60');
    store(150, 170);
    expect(answers.isFull(0)).toBe(false);
  });
});
