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

function entry(position: number, streamId = 's-1') {
  const event = { id: `${position}`, position, streamId, metadata: {} } as RecordedEvent;
  return { event, cursor: { windowStart: '0', windowEnd: '1', position } };
}

const unparked = { holds: () => false, park: () => expect(false).toBe(true) } as unknown as Parking;
const options = { toWire: toEnvelope, metrics: createRelayMetrics(), logger: silentLogger, onProgress: () => {} };

/** A publisher whose confirms are given one by one, and the positions that it was given. */
function createPatientPublisher() {
  const sent: string[] = [];
  const confirms: (() => void)[] = [];
  return {
    sent,
    confirmNext: () => confirms.shift()?.(),
    canPublish: () => true,
    send: ({ id }: EventEnvelope) =>
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
    window.add([entry(1), entry(2), entry(3, 's-2')]);
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
    window.add([entry(1), entry(2)]);
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

    window.add(Array.from({ length: EVENTS }, (_, index) => entry(index + 1)));
    await waitUntil(() => window.size === 0, { what: 'the window to be passed' });
    window.close();

    expect(parked).toEqual(Array.from({ length: EVENTS }, (_, index) => index + 1));
    expect(window.cursor?.position).toBe(EVENTS);
  });
});
