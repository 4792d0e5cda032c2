import { describe, expect, it } from '@jest/globals';
import { ReplayPace } from '../src/dead-letters/replay-pace.ts';

/** Runs a replay of this many messages, each of which takes a while, on its own clock. */
async function replay(count: number, { ratePerSecond, takesMs = 0 }: { ratePerSecond?: number; takesMs?: number }) {
  let nowMs = 1000;
  const pause = async (ms: number) => {
    nowMs += ms;
  };
  const pace = new ReplayPace({ ratePerSecond, clock: { now: () => nowMs, pause } });
  const turnsAt: number[] = [];
  let rounds = 0;
  let longestHoldMs = 0;
  while (turnsAt.length < count) {
    rounds += 1;
    let begunAt: number | undefined;
    while (turnsAt.length < count && (await pace.turn())) {
      begunAt ??= nowMs;
      turnsAt.push(nowMs);
      nowMs += takesMs;
      longestHoldMs = Math.max(longestHoldMs, nowMs - begunAt);
    }
    await pace.rest();
  }
  return { rounds, longestHoldMs, durationMs: (turnsAt.at(-1) ?? 0) - 1000 };
}

describe('the pace of a replay', () => {
  it.each([
    [0.01, 10, 10],
    [0.5, 100, 7],
    [10, 1000, 4],
  ])(
    'when the rate is %d per second, then it is kept, and no round holds messages longer than 30 s',
    async (ratePerSecond, count, rounds) => {
      const replayed = await replay(count, { ratePerSecond });
      expect(replayed).toMatchObject({ rounds, durationMs: expect.closeTo(((count - 1) * 1000) / ratePerSecond) });
      expect(replayed.longestHoldMs).toBeLessThanOrEqual(30_000);
    },
  );

  it('when there is no rate but the broker is slow, then the rounds still end in time', async () => {
    const { rounds, longestHoldMs } = await replay(100, { takesMs: 4000 });
    expect(rounds).toBe(13);
    expect(longestHoldMs).toBeLessThanOrEqual(34_000);
  });

  it('when one message takes longer than a round, then each round advances by one', async () => {
    expect((await replay(3, { takesMs: 60_000 })).rounds).toBe(3);
  });
});
