import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createAlerts } from '@warren/kernel';
import { Lane, type ParkedEvent } from '../src/relay/lane.ts';
import { Lanes } from '../src/relay/lanes.ts';

const parked = (position: number, kind = 'Counted v1'): ParkedEvent => ({
  position,
  streamId: `s-${position}`,
  kind,
  stored: true,
});
const positions = (events: readonly ParkedEvent[]) => events.map(({ position }) => position);

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a lane of parked events', () => {
  const filled = (count: number) => {
    const lane = new Lane({ retryMs: 1000, longestMs: 30_000, probes: 1 });
    for (let position = 1; position <= count; position += 1) lane.add(parked(position));
    return lane;
  };
  /** How long until it is due, in seconds. */
  const pauseOf = (lane: Lane) => {
    let seconds = 0;
    for (; !lane.isDue(); seconds += 1) jest.advanceTimersByTime(1000);
    return seconds;
  };

  it('when it is refused again and again, then one event is tried after pauses of 1, 2, 4 … 30 s, each time another one', () => {
    const lane = filled(3);
    const tried: number[] = [];
    const pauses: number[] = [];
    for (let times = 0; times < 7; times += 1) {
      const chosen = lane.next();
      tried.push(...positions(chosen));
      lane.rotate(chosen);
      lane.refuse('full');
      pauses.push(pauseOf(lane));
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30]);
    expect(tried).toEqual([1, 2, 3, 1, 2, 3, 1]);
  });

  it('when a try succeeds, then twice as many follow each time, until one is refused', () => {
    const lane = filled(100);
    lane.refuse('full');
    const sizes: number[] = [];
    for (let times = 0; times < 4; times += 1) {
      sizes.push(lane.next().length);
      lane.succeeded();
    }
    expect(sizes).toEqual([1, 2, 4, 8]);
    expect(lane.refusal).toBeUndefined();
    lane.refuse('full again');
    expect(lane.next()).toHaveLength(1);
  });

  it('when a queue takes one now and then, then the pauses get shorter, but do not begin anew', () => {
    const lane = filled(3);
    for (let times = 0; times < 4; times += 1) lane.refuse('full');
    lane.succeeded();
    lane.refuse('full');
    expect(pauseOf(lane)).toBe(4);
  });

  it('when publishing comes back during a try, then the next try follows at once, whatever comes of this one', () => {
    const lane = filled(1);
    lane.refuse('full');
    lane.next();
    lane.hurry();
    lane.pause();
    expect(lane.isDue()).toBe(true);
    lane.next();
    lane.refuse('full');
    expect(lane.isDue()).toBe(false);
  });

  it('when the row of an event is not stored yet, then it is not tried', () => {
    const lane = filled(0);
    const event = { ...parked(1), stored: false };
    lane.add(event);
    expect(lane.next()).toEqual([]);
    event.stored = true;
    expect(lane.next()).toEqual([event]);
  });
});

describe('the lanes of a relay', () => {
  it('when a kind is refused, then that one alone is; when its last event is gone, then it is forgotten', () => {
    const lanes = new Lanes(1000, createAlerts());
    const event = parked(1);
    lanes.enter(event);
    event.lane?.refuse('full');
    lanes.enter(parked(2, 'Counted v2'));
    expect(lanes.refusals()).toEqual({ 'Counted v1': 'full' });
    lanes.leave(event);
    expect(lanes.refusalOf('Counted v1')).toBeUndefined();
  });

  it('when events are refused each for itself, then others of their kind are not, and the alert ends with the last', () => {
    const alerts = createAlerts();
    const lanes = new Lanes(1000, alerts);
    const [first, second] = [parked(1), parked(2)] as const;
    for (const event of [first, second]) {
      lanes.enter(event);
      lanes.single(event, 'too large');
    }
    lanes.single(first, 'too large');
    expect(lanes.refusals()).toEqual({});
    expect(alerts.active()).toMatchObject([{ code: 'EVENT_UNPUBLISHABLE', subject: 'Counted v1', count: 3 }]);
    lanes.leave(first);
    expect(alerts.active()).toHaveLength(1);
    lanes.leave(second);
    expect(alerts.active()).toEqual([]);
  });

  it('when the term ends, then its alerts end with it', () => {
    const alerts = createAlerts();
    const lanes = new Lanes(1000, alerts);
    const event = parked(1);
    lanes.enter(event);
    lanes.single(event, 'too large');
    lanes.close();
    expect(alerts.active()).toEqual([]);
  });
});
