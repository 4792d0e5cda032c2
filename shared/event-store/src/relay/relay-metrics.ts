import { Counter, createMetricsRegistry, Gauge, type MetricsRegistry } from '@warren/kernel';

export type RelayMetrics = ReturnType<typeof createRelayMetrics>;

/** The source of the gauges while this process leads. */
export interface WatchedTerm {
  window: { readonly size: number };
  parking: { refusals(): Record<string, string> };
}

/** Creates the relay's counters and the gauges of this process. Gauges of the log are in `relay-lag.ts`. */
export function createRelayMetrics(registry: MetricsRegistry = createMetricsRegistry('', { collectDefaults: false })) {
  const registers = [registry];
  const watched: { term?: WatchedTerm | undefined } = {};
  const counter = (name: string, help: string) => new Counter({ name: `warren_relay_${name}`, help, registers });
  /** Computed at each scrape; 0 in a process that does not lead. */
  const gauge = (name: string, help: string, count: (term: WatchedTerm) => number) => {
    const collect = () => metric.set(watched.term ? count(watched.term) : 0);
    const metric: Gauge = new Gauge({ name: `warren_relay_${name}`, help, registers, collect });
    return metric;
  };
  return {
    registry,
    watched,
    published: counter('published_total', 'Events that the broker confirmed'),
    republished: counter('republished_total', 'Events published again because their outcome was unknown'),
    parked: counter(
      'parked_total',
      'Events parked because they, their kind, or an earlier event of their stream was refused',
    ),
    leading: new Gauge({ name: 'warren_relay_leading', help: '1 while this process holds the lock', registers }),
    inFlight: gauge(
      'in_flight',
      'Events read or published that the cursor has not passed',
      ({ window }) => window.size,
    ),
    refused: gauge(
      'refused_kinds',
      'Kinds of events (type and version) that are refused and therefore parked without being sent',
      (term) => {
        return Object.keys(term.parking.refusals()).length;
      },
    ),
  };
}
