/**
 * Latencies in buckets whose limits grow by a constant factor, after DDSketch (Masson, Rim, Lee, VLDB 2019): any quantile has a relative
 * error of at most {@link ACCURACY}, and histograms are merged by adding the counts of their buckets.
 */
const ACCURACY = 0.02;
const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);

/** How many latencies fell into each bucket. */
export type LatencyHistogram = ReadonlyMap<number, number>;

/** The bucket of a latency in milliseconds. Bucket 0 holds latencies up to 1 ms, including negative ones from clock skew. */
export function bucketOf(latencyMs: number): number {
  return latencyMs <= 1 ? 0 : Math.ceil(Math.log(latencyMs) / Math.log(GAMMA));
}

/** The representative latency of a bucket in milliseconds: at most {@link ACCURACY} away from any in it, relatively. */
export function latencyOf(bucket: number): number {
  return bucket === 0 ? 1 : (2 * GAMMA ** bucket) / (GAMMA + 1);
}

/** The latency in milliseconds, rounded, that this share (0 to 1) of all latencies does not exceed; undefined when there are none. */
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
