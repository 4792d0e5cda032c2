import { describe, expect, it } from '@jest/globals';
import { createRelaySignal } from '../src/relay/relay-signal.ts';

const LONG_MS = 60_000;

describe('the bell of the relay', () => {
  it('when it is rung, then who waits goes on', async () => {
    const signal = createRelaySignal();
    const waiting = signal.wait(LONG_MS);
    signal.ring();
    expect(await waiting).toBe(true);
  });

  it('when it was rung while nobody waited, then the next wait ends at once, and the one after it does not', async () => {
    const signal = createRelaySignal();
    signal.ring();
    signal.ring();
    await signal.wait(LONG_MS);

    let over = false;
    const second = signal.wait(LONG_MS).then(() => {
      over = true;
    });
    await new Promise(setImmediate);
    expect(over).toBe(false);
    signal.ring();
    await second;
  });

  it('when nobody rings, then the wait ends with its time', async () => {
    expect(await createRelaySignal().wait(1)).toBe(false);
  });
});
