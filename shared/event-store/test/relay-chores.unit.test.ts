import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createBell } from '@warren/kernel';
import type { SessionLock } from '../src/database/session-lock.ts';
import type { Parking } from '../src/relay/parking.ts';
import type { RelayPace } from '../src/relay/relay.ts';
import { type ChoresOptions, startChores } from '../src/relay/relay-chores.ts';
import type { RelayCursor } from '../src/relay/relay-cursor.ts';
import type { SendWindow } from '../src/relay/send-window.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const start: RelayCursor = { windowStart: '1', windowEnd: '1', position: 0 };
const CHECKPOINT_MS = 200;

/** Chores on a window, a parking and a session that hold what the test says, and the cursors that were stored. */
function begin() {
  const stored: unknown[] = [];
  const window = { cursor: undefined as RelayCursor | undefined, stalled: false, pumped: 0 };
  const parking = { size: 0, hasUnsaved: false, takeUnsaved: () => [], retry: async () => undefined };
  const publisher = { open: true, canPublish: () => publisher.open };
  const signal = createBell();
  const chores = startChores({
    ...{ relay: 'outbox', start, publisher, signal, confirmHistory: undefined },
    pace: { checkpointMs: CHECKPOINT_MS, keepPublishedMs: 0 } as RelayPace,
    lock: {
      client: { query: async ({ values }: { values: unknown[] }) => stored.push(values[2]) },
    } as unknown as SessionLock,
    window: Object.assign(window, { pump: () => (window.pumped += 1) }) as unknown as SendWindow,
    parking: Object.assign(parking, { hurry: () => undefined, forget: async () => undefined }) as unknown as Parking,
  } as unknown as ChoresOptions);
  return { chores, window, parking, publisher, signal, stored };
}

/** The timers that are left once the chores had time to run: one of them is for the rows that get old. */
async function timersAfter(ms: number): Promise<number> {
  await jest.advanceTimersByTimeAsync(ms);
  return jest.getTimerCount() - 1;
}

test('when there is nothing to do, then no timer runs until the chores are roused', async () => {
  const { chores, window, stored } = begin();
  expect(await timersAfter(CHECKPOINT_MS)).toBe(0);
  expect(window.pumped).toBe(1);
  window.cursor = { ...start, windowStart: '2', windowEnd: '2' };
  chores.rouse();
  chores.rouse();
  expect(await timersAfter(0)).toBe(1);
  expect(await timersAfter(2 * CHECKPOINT_MS)).toBe(0);
  expect(stored).toEqual(['2']);
});

test.each<[string, (begun: ReturnType<typeof begin>, isOver: boolean) => void]>([
  ['entries are stalled', ({ window }, isOver) => Object.assign(window, { stalled: !isOver })],
  ['events are parked', ({ parking }, isOver) => Object.assign(parking, { size: isOver ? 0 : 1 })],
  ['parked events are not stored', ({ parking }, isOver) => Object.assign(parking, { hasUnsaved: !isOver })],
  ['the publisher cannot publish', ({ publisher }, isOver) => Object.assign(publisher, { open: isOver })],
])('when %s, then the chores go on until that is over', async (_, set) => {
  const begun = begin();
  set(begun, false);
  expect(await timersAfter(10 * CHECKPOINT_MS)).toBe(1);
  set(begun, true);
  expect(await timersAfter(2 * CHECKPOINT_MS)).toBe(0);
});

test('when somebody waits for the publisher, then the signal rings, also if the publisher was back before the chores looked', async () => {
  const { chores, signal } = begin();
  await timersAfter(CHECKPOINT_MS);
  await signal.wait();
  chores.awaitPublisher();
  const rung = signal.wait();
  expect(await timersAfter(CHECKPOINT_MS)).toBe(0);
  expect(await rung).toBe(true);
});
