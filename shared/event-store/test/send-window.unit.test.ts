import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { type RecordedEvent, toEnvelope } from '../src/index.ts';
import type { Parking } from '../src/relay/parking.ts';
import { createRelayMetrics } from '../src/relay/relay-metrics.ts';
import { createSendWindow } from '../src/relay/send-window.ts';
import { createRecordingPublisher } from './recording-publisher.ts';

const EVENTS = 20_000;

function entry(position: number) {
  const event = { id: `${position}`, position, streamId: 's-1', metadata: {} } as RecordedEvent;
  return { event, cursor: { windowStart: '0', windowEnd: '1', position } };
}

describe('createSendWindow', () => {
  it('when thousands of events of one stream wait behind one that no queue wants, then all of them are parked', async () => {
    const parked: number[] = [];
    const parking = {
      holds: () => parked.length > 0,
      park: (event: RecordedEvent) => void parked.push(event.position),
    };
    const publisher = createRecordingPublisher();
    publisher.answer = () => ({ status: 'returned', reason: 'no queue' });
    const window = createSendWindow({
      publisher,
      toWire: toEnvelope,
      parking: parking as unknown as Parking,
      metrics: createRelayMetrics(),
      logger: silentLogger,
      onProgress: () => {},
    });

    window.add(Array.from({ length: EVENTS }, (_, index) => entry(index + 1)));
    await waitUntil(() => window.size === 0, { what: 'the window to be passed' });
    await window.close();

    expect(parked).toEqual(Array.from({ length: EVENTS }, (_, index) => index + 1));
    expect(window.cursor?.position).toBe(EVENTS);
  });
});
