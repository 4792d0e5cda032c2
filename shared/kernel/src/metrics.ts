import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { droppedLogLines } from './log-output.ts';

export { Counter, Gauge, Histogram };
/** Where a component registers its metrics. Names start with `warren_`; times are in seconds. */
export type MetricsRegistry = Registry;

/** How often the lag of the event loop is sampled, in milliseconds. Each sample wakes the process, even when idle. */
const LAG_SAMPLE_MS = 100;

/**
 * A registry that labels every metric with the service's name.
 * @param collectDefaults also measure the process: CPU, memory, event-loop lag, dropped log lines. @default true
 */
export function createMetricsRegistry(service: string, { collectDefaults = true } = {}): MetricsRegistry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  if (!collectDefaults) return registry;
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_SAMPLE_MS });
  new Counter({
    name: 'warren_log_dropped_lines_total',
    help: 'Log lines that were dropped because nobody read them.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(droppedLogLines());
    },
  });
  return registry;
}

/** In seconds, from half a millisecond to 30 s: suits handlers, queries and requests. */
export const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
