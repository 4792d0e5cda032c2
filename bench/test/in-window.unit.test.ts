import { describe, expect, test } from '@jest/globals';
import { inWindow } from '../sides/in-window.ts';

const later = (work: () => void) => void setImmediate(work);

describe('inWindow', () => {
  test('when there are more items than places, then the window is filled and never exceeded, and each item is worked once', async () => {
    const items = Array.from({ length: 50 }, (_, index) => index);
    const seen: number[] = [];
    let open = 0;
    let most = 0;
    await inWindow(items, 7, (item, done) => {
      seen.push(item);
      open += 1;
      most = Math.max(most, open);
      later(() => {
        open -= 1;
        done();
      });
    });
    expect(seen).toEqual(items);
    expect(most).toBe(7);
  });

  test('when one fails, then the whole does', async () => {
    const failing = inWindow([1, 2, 3], 2, (item, done) =>
      later(() => done(item === 2 ? new Error('two') : undefined)),
    );
    await expect(failing).rejects.toThrow('two');
  });
});
