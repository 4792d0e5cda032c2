import { describe, expect, it } from '@jest/globals';
import type { EventEnvelope, PublishOutcome } from '@warren/contracts';
import { silentLogger } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { type RecordedEvent, toEnvelope } from '../src/index.ts';
import type { Parking } from '../src/relay/parking.ts';
import { createRelayMetrics } from '../src/relay/relay-metrics.ts';
import { createSendWindow } from '../src/relay/send-window.ts';
import { createRecordingPublisher } from './recording-publisher.ts';

const EVENTS = 20_000;

function entry(position: number, streamId = 's-1', type = 'Counted') {
  const event = { id: `${position}`, type, position, streamId, streamVersion: position, metadata: {} } as RecordedEvent;
  return { position, event };
}

/** A page of a window that is not complete. */
function page(...entries: { position: number; event: RecordedEvent }[]) {
  const window = { windowStart: '0', windowEnd: '1' };
  return { entries, window, cursor: { ...window, position: entries.at(-1)?.position ?? 0 } };
}

/** The cursor between two windows. */
const between = (tx: string) => ({ windowStart: tx, windowEnd: tx, position: 0 });

const unparked = {
  holds: () => false,
  refusalOf: () => undefined,
  park: () => expect(false).toBe(true),
} as unknown as Parking;
const options = {
  toWire: toEnvelope,
  metrics: createRelayMetrics(),
  logger: silentLogger,
  start: { windowStart: '0', windowEnd: '0', position: 0 },
  maxInFlight: 10,
  onProgress: () => {},
};

/** A publisher whose confirms are given one by one, and the positions that it was given. */
function createPatientPublisher() {
  const sent: string[] = [];
  const confirms: (() => void)[] = [];
  return {
    sent,
    confirmNext: () => confirms.shift()?.(),
    canPublish: () => true,
    tryPublish: ({ id }: EventEnvelope) =>
      new Promise<PublishOutcome>((resolve) => {
        sent.push(id);
        confirms.push(() => resolve({ status: 'confirmed' }));
      }),
  };
}

describe('createSendWindow', () => {
  it('when it comes to its end, then what is in line goes out too, so that the cursor can pass what was sent beyond it', async () => {
    const publisher = createPatientPublisher();
    const window = createSendWindow({ ...options, publisher, lock: { alive: true }, parking: unparked });
    window.add(page(entry(1), entry(2), entry(3, 's-2')));
    expect(publisher.sent).toEqual(['1', '3']);
    const idle = window.idle();
    publisher.confirmNext();
    publisher.confirmNext();
    await waitUntil(() => publisher.sent.length === 3);
    expect(window.cursor?.position).toBe(1);
    publisher.confirmNext();
    await idle;
    expect(window.cursor?.position).toBe(3);
    expect(window.size).toBe(0);
  });

  it.each(['closed', 'without its lock'])('when it is %s, then nothing in line goes out', async (end) => {
    const publisher = createPatientPublisher();
    const lock = { alive: true };
    const window = createSendWindow({ ...options, publisher, lock, parking: unparked });
    window.add(page(entry(1), entry(2)));
    if (end === 'closed') window.close();
    else lock.alive = false;
    publisher.confirmNext();
    await window.idle();
    expect(publisher.sent).toEqual(['1']);
    expect(window.cursor?.position).toBe(1);
  });

  it('when thousands of events of one stream wait behind one that no queue wants, then all of them are parked', async () => {
    const parked: number[] = [];
    const parking = {
      holds: () => parked.length > 0,
      refusalOf: () => undefined,
      park: (event: RecordedEvent) => void parked.push(event.position),
    };
    const publisher = createRecordingPublisher();
    publisher.answer = () => ({ status: 'returned', reason: 'no queue' });
    const window = createSendWindow({
      ...options,
      publisher,
      lock: { alive: true },
      parking: parking as unknown as Parking,
    });

    window.add(page(...Array.from({ length: EVENTS }, (_, index) => entry(index + 1))));
    await waitUntil(() => window.size === 0, { what: 'the window to be passed' });
    window.close();

    expect(parked).toEqual(Array.from({ length: EVENTS }, (_, index) => index + 1));
    expect(window.cursor?.position).toBe(EVENTS);
  });

  it('when events of a kind are refused, then they leave the window unsent, and the others go out', async () => {
    const parked: [number, string][] = [];
    const parking = {
      holds: () => false,
      refusalOf: ({ type }: RecordedEvent) => (type === 'Refused' ? 'a queue is full' : undefined),
      park: ({ position }: RecordedEvent, reason: string) => void parked.push([position, reason]),
    } as unknown as Parking;
    const publisher = createPatientPublisher();
    const window = createSendWindow({ ...options, publisher, lock: { alive: true }, parking });
    window.add(page(entry(1, 's-1', 'Refused'), entry(2, 's-2')));
    expect(publisher.sent).toEqual(['2']);
    expect(parked).toEqual([[1, 'a queue is full']]);
    expect([window.cursor?.position, window.size]).toEqual([1, 1]);
    publisher.confirmNext();
    await window.idle();
    expect(window.size).toBe(0);
  });

  it.each<[PublishOutcome, boolean]>([
    [{ status: 'nacked', reason: 'full' }, false],
    [{ status: 'unknown', reason: '404', routeFault: 'refused' }, false],
    [{ status: 'unsendable', reason: 'too large' }, true],
  ])('when an event is %j, then it leaves the window after the first try', async (outcome, alone) => {
    const parked: unknown[] = [];
    const parking = {
      holds: () => false,
      refusalOf: () => undefined,
      park: (_: RecordedEvent, reason: string, refusal: unknown) => void parked.push([reason, refusal]),
    } as unknown as Parking;
    const publisher = createRecordingPublisher();
    publisher.answer = () => outcome;
    const window = createSendWindow({ ...options, publisher, lock: { alive: true }, parking });
    window.add(page(entry(1)));
    await waitUntil(() => window.size === 0);
    expect(publisher.sent).toHaveLength(1);
    const { reason } = outcome as { reason: string };
    expect(parked).toEqual([[reason, { alone, reason }]]);
  });

  it.each<PublishOutcome>([
    { status: 'unknown', reason: 'connection lost' },
    { status: 'unsent', reason: 'no room' },
  ])('when an event is %j, then it is sent again and keeps its place', async (outcome) => {
    const publisher = createRecordingPublisher();
    publisher.answer = () => (publisher.sent.length > 1 ? { status: 'confirmed' } : outcome);
    const window = createSendWindow({ ...options, publisher, lock: { alive: true }, parking: unparked });
    window.add(page(entry(1), entry(2)));
    const pumped = () => {
      window.pump();
      return window.size === 0;
    };
    await waitUntil(pumped);
    expect(publisher.sent.map(({ id }) => id)).toEqual(['1', '1', '2']);
  });

  it('when an event follows one that the reader has read, then it goes ahead of the reader, in line behind it', async () => {
    const publisher = createPatientPublisher();
    const window = createSendWindow({ ...options, publisher, lock: { alive: true }, parking: unparked });
    window.add(page(entry(1)));
    expect(window.offer([entry(2).event], 1n)).toBe(true);
    expect([window.ahead, window.size]).toEqual([1, 2]);
    publisher.confirmNext();
    await waitUntil(() => publisher.sent.length === 2);
    expect(window.settledAhead()).toEqual([]);
    publisher.confirmNext();
    await window.idle();
    expect(window.settledAhead()).toEqual([2]);
    expect(window.cursor?.position).toBe(1);

    window.add({ entries: [], window: { windowStart: '1', windowEnd: '3' }, cursor: between('3') });
    expect([window.ahead, window.size]).toEqual([0, 0]);
    expect(window.cursor).toEqual(between('3'));
  });

  it('when an event goes ahead while the reader is reading it, then it is not sent again', async () => {
    const publisher = createPatientPublisher();
    const window = createSendWindow({ ...options, publisher, lock: { alive: true }, parking: unparked });
    expect(window.offer([entry(1).event], 1n)).toBe(true);
    const read = { windowStart: '0', windowEnd: '2' };
    window.add({ entries: [entry(1), entry(2, 's-2')], window: read, cursor: between('2') });
    publisher.confirmNext();
    publisher.confirmNext();
    await new Promise(setImmediate);
    expect(publisher.sent).toEqual(['1', '2']);
    expect([window.size, window.cursor]).toEqual([0, between('2')]);
  });

  it('when an event is offered that the reader has read or that does not follow, then it is left to the reader, which must read only the latter', () => {
    const publisher = createPatientPublisher();
    const window = createSendWindow({ ...options, publisher, lock: { alive: true }, parking: unparked });
    window.add({ entries: [], window: { windowStart: '0', windowEnd: '5' }, cursor: between('5') });
    expect(window.offer([entry(1).event], 4n)).toBe(true);
    expect(window.offer([entry(2).event], 5n)).toBe(false);
    expect(publisher.sent).toEqual([]);
  });

  it('when the publisher cannot publish, or too many events are in hand, then an event is left to the reader', () => {
    const publisher = createPatientPublisher();
    let open = false;
    const window = createSendWindow({
      ...options,
      publisher: { ...publisher, canPublish: () => open },
      lock: { alive: true },
      parking: unparked,
    });
    expect(window.offer([entry(1).event], 1n)).toBe(false);
    open = true;
    const firstOf = (n: number) => ({ ...entry(n, `s-${n}`).event, streamVersion: 1 });
    for (let n = 1; n <= options.maxInFlight; n += 1) expect(window.offer([firstOf(n)], 1n)).toBe(true);
    expect(window.offer([firstOf(99)], 1n)).toBe(false);
    expect(publisher.sent).toHaveLength(options.maxInFlight);
  });
});
