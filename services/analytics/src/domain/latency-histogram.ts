/**
 * Latencies in buckets whose limits grow by a constant factor, after DDSketch (Masson, Rim, Lee, VLDB 2019): any quantile is right to
 * within {@link ACCURACY} of itself, and two histograms are merged by adding up the counts of their buckets.
 */
const ACCURACY = 0.02;
const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);

/** How many latencies fell into each bucket. */
export type LatencyHistogram = ReadonlyMap<number, number>;

/** The bucket of a latency in milliseconds. Whatever is no longer than 1 ms shares bucket 0, also what clocks made negative. */
export function bucketOf(latencyMs: number): number {
  return latencyMs <= 1 ? 0 : Math.ceil(Math.log(latencyMs) / Math.log(GAMMA));
}

/** The latency in milliseconds that a bucket stands for: at most {@link ACCURACY} away from any in it. */
export function latencyOf(bucket: number): number {
  return bucket === 0 ? 1 : (2 * GAMMA ** bucket) / (GAMMA + 1);
}

/** The latency in milliseconds, rounded, that a share of all (0 to 1) does not exceed; undefined when there is none. */
export function quantileOf(histogram: LatencyHistogram, share: number): number | undefined {
  const buckets = [...histogram].filter(([, count]) => count > 0).sort(([one], [other]) => one - other);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  const rank = Math.max(1, Math.ceil(share * total));
  let seen = 0;
  for (const [bucket, count] of buckets) {
    seen += count;
    if (seen >= rank) return Math.round(latencyOf(bucket));
  }
  return undefined;
}
