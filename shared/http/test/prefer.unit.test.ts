import { describe, expect, it } from '@jest/globals';
import { lastEventId, preferredWaitSeconds } from '../src/index.ts';

describe('preferredWaitSeconds', () => {
  it.each([
    ['wait=10', 10],
    ['Wait = "5"', 5],
    ['respond-async, wait=100', 100],
    ['wait=3; x=y', 3],
    ['wait=1, wait=2', 1],
    ['wait', undefined],
    ['wait=', undefined],
    ['wait=-1', undefined],
    ['wait=soon', undefined],
    ['awaited=4', undefined],
    [undefined, undefined],
  ])('when Prefer is %s, then it is %s', (prefer, seconds) => {
    expect(preferredWaitSeconds({ headers: { prefer } })).toBe(seconds);
  });
});

describe('lastEventId', () => {
  it.each([
    [undefined, 0],
    ['', 0],
    ['17', 17],
    ['-1', undefined],
    ['1.5', undefined],
    ['x', undefined],
  ])('when Last-Event-ID is %s, then it is %s', (given, id) => {
    expect(lastEventId({ headers: { 'last-event-id': given } })).toBe(id);
  });
});
