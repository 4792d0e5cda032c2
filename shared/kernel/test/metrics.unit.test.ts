import { expect, test } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import { createMetricsRegistry } from '../src/metrics.ts';

/** In seconds. Before the first sample it is an absurdly large number. */
const NO_SAMPLE = 1e6;

test('when a process samples the lag of its event loop, then at most every 100 ms: each sample wakes it', async () => {
  const registry = createMetricsRegistry('shop');
  let shortest = NO_SAMPLE;
  const sampled = async () => {
    const [, seconds] = /^nodejs_eventloop_lag_min_seconds\S* (\S+)$/m.exec(await registry.metrics()) ?? [];
    shortest = Number(seconds);
    return shortest < NO_SAMPLE;
  };
  // A scrape begins a new series of samples, whose first one only starts the clock.
  await waitUntil(sampled, { intervalMs: 400, what: 'a sample' });
  expect(shortest).toBeGreaterThan(0.09);
});
