import { Counter, createMetricsRegistry, Gauge, type MetricsRegistry } from '@warren/kernel';

export type RelayMetrics = ReturnType<typeof createRelayMetrics>;

/** What the gauges look at while this process leads. */
export interface WatchedTerm {
  window: { readonly size: number };
  parking: { refusals(): Record<string, string> };
}

/** The relay's counters and the gauges that this process alone knows. Those of the log are in `relay-lag.ts`. */
export function createRelayMetrics(registry: MetricsRegistry = createMetricsRegistry('', { collectDefaults: false })) {
  const registers = [registry];
  const watched: { term?: WatchedTerm } = {};
  const counter = (name: string, help: string) => new Counter({ name: `warren_relay_${name}`, help, registers });
  /** Counted when somebody asks; 0 in a process that does not lead. */
  const gauge = (name: string, help: string, count: (term: WatchedTerm) => number) => {
    const collect = () => metric.set(watched.term ? count(watched.term) : 0);
    const metric: Gauge = new Gauge({ name: `warren_relay_${name}`, help, registers, collect });
    return metric;
  };
  return {
    registry,
    watched,
    published: counter('published_total', 'Events that the broker confirmed'),
    republished: counter('republished_total', 'Events sent again because the broker did not answer'),
    parked: counter(
      'parked_total',
      'Events set aside: they, their kind, or one before them in their stream was refused',
    ),
    leading: new Gauge({ name: 'warren_relay_leading', help: '1 while this process holds the lock', registers }),
    inFlight: gauge('in_flight', 'Events read and not yet settled', ({ window }) => window.size),
    refused: gauge(
      'refused_kinds',
      'Kinds of events (type and version) that are refused, and set aside unsent',
      (term) => {
        return Object.keys(term.parking.refusals()).length;
      },
    ),
  };
}
