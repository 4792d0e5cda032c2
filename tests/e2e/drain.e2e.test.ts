import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { runChaos } from '../chaos/run-chaos.ts';

/** Plays a scenario of the fault suite, smaller than `npm run chaos -- --scenario …` does. Gives what it found broken. */
async function play(scenario: string, size: { ordersPerSecond: number; seconds: number }) {
  // The ten seconds of the default are a promise of an idle machine: the full size judges by them.
  process.env.DRAIN_TIMEOUT_MS = '60000';
  const directory = await mkdtemp(join(process.env.WARREN_TEST_DIR ?? tmpdir(), 'scenario-'));
  try {
    const run = { seed: 1, faults: 0, instances: { order: 2, inventory: 1 }, quietSeconds: 60 };
    const { signal } = new AbortController();
    const { violations, unsettled, ownExits } = await runChaos({
      ...run,
      ...size,
      scenario,
      directory,
      say: () => undefined,
      signal,
    });
    return { violations, unsettled, ownExits };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const NOTHING = { violations: [], unsettled: undefined, ownExits: [] };

describe('under load', () => {
  it('when each service gets SIGTERM in its turn, then it is never ready again, ends with 0 in time, and nothing is lost or handled twice', async () => {
    expect(await play('drain-under-load', { ordersPerSecond: 12, seconds: 1 })).toEqual(NOTHING);
  });
});
