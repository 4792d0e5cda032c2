import { Counter, createMetricsRegistry, Gauge, type MetricsRegistry } from '@warren/kernel';

export type RelayMetrics = ReturnType<typeof createRelayMetrics>;

/** The relay's counters and the gauges that this process alone knows. Those of the log are in `relay-lag.ts`. */
export function createRelayMetrics(registry: MetricsRegistry = createMetricsRegistry('', { collectDefaults: false })) {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name: `warren_relay_${name}`, help, registers });
  return {
    registry,
    published: counter('published_total', 'Events that the broker confirmed'),
    republished: counter('republished_total', 'Events sent again because the broker refused them or did not answer'),
    parked: counter('parked_total', 'Events set aside because no queue wanted them or one before them in their stream'),
    leading: new Gauge({ name: 'warren_relay_leading', help: '1 while this process holds the lock', registers }),
    inFlight: new InFlightGauge(registry),
  };
}

/** Counts the window of the term in office when somebody asks; 0 in a process that does not lead. */
class InFlightGauge extends Gauge {
  window: { readonly size: number } | undefined;

  constructor(registry: MetricsRegistry) {
    super({
      name: 'warren_relay_in_flight',
      help: 'Events read and not yet settled',
      registers: [registry],
      collect: () => this.set(this.window?.size ?? 0),
    });
  }
}
