import { describe, expect, it } from '@jest/globals';
import { ParkedStreams } from '../src/relay/parked-streams.ts';

const parked = (position: number, streamId = 's-1') => ({ position, streamId, kind: 'Counted v1', stored: true });

describe('parked streams', () => {
  it('when an event comes again that stands before those parked, then it is the first of its stream', () => {
    const streams = new ParkedStreams();
    for (const position of [3, 5, 9, 4]) streams.add(parked(position));
    expect([3, 4, 5, 6, 9].map((position) => streams.has('s-1', position))).toEqual([true, true, true, false, true]);
    const order: (number | undefined)[] = [];
    for (let first = streams.firstOf('s-1'); first; first = streams.firstOf('s-1')) {
      order.push(first.position);
      streams.remove(first);
    }
    expect(order).toEqual([3, 4, 5, 9]);
    expect([streams.size, streams.holds('s-1')]).toEqual([0, false]);
  });
});
