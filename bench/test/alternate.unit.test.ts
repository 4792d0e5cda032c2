import { describe, expect, test } from '@jest/globals';
import { alternate } from '../harness/alternate.ts';

function sidesThatNote(order: string[]) {
  let figure = 0;
  return ['a', 'b'].map((name) => ({
    name,
    run: async () => {
      order.push(name);
      figure += 1;
      return figure;
    },
  }));
}

describe('alternate', () => {
  test('when sides run, then by turns, every second round backwards, and the first round does not count', async () => {
    const order: string[] = [];
    const { signal } = new AbortController();
    const results = await alternate(sidesThatNote(order), { rounds: 2, signal });
    expect(order.join('')).toBe('abbaab');
    expect(results).toEqual([
      { name: 'a', values: [4, 5] },
      { name: 'b', values: [3, 6] },
    ]);
  });

  test('when the run is ended, then no further side runs', async () => {
    const order: string[] = [];
    const ending = new AbortController();
    const onFigure = () => ending.abort();
    const running = alternate(sidesThatNote(order), { rounds: 5, signal: ending.signal, onFigure });
    await expect(running).rejects.toThrow('aborted');
    expect(order.join('')).toBe('abb');
  });
});
