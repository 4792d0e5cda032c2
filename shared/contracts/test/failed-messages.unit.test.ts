import { describe, expect, it } from '@jest/globals';
import { retryName } from '../src/index.ts';

describe('the name of a retry queue', () => {
  it.each([
    [1000, 'retry.1s'],
    [16_000, 'retry.16s'],
    [250, 'retry.250ms'],
    [1500, 'retry.1500ms'],
  ])('when the delay is %d ms, then the queue is %s', (delayMs, name) => {
    expect(retryName(delayMs)).toBe(name);
  });
});
