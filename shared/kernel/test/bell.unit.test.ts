import { describe, expect, it } from '@jest/globals';
import { createBell } from '../src/bell.ts';

const LONG_MS = 60_000;

describe('a bell', () => {
  it('when it rings, then the waiter continues', async () => {
    const signal = createBell();
    const waiting = signal.wait(LONG_MS);
    signal.ring();
    expect(await waiting).toBe(true);
  });

  it('when it rang while nobody waited, then the next wait ends at once, and the one after that does not', async () => {
    const signal = createBell();
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

  it('when there is no timeout, then the wait lasts until it rings', async () => {
    const bell = createBell();
    setTimeout(() => bell.ring(), 5);
    expect(await bell.wait()).toBe(true);
  });

  it('when nobody rings, then the wait ends at its timeout', async () => {
    expect(await createBell().wait(1)).toBe(false);
  });
});
