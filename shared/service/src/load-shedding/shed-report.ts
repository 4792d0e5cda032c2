import { type Alerts, Counter, defineAlerts, Gauge, type MetricsRegistry } from '@warren/kernel';
import type { InFlight } from './stored-in-flight.ts';

/** What new work waits for. */
export type Stage = 'store' | 'answers';

/** The alert ends when nothing has been rejected for this long, in milliseconds. */
const CALM_MS = 5000;

const alertKinds = defineAlerts({
  OVERLOADED: {
    severity: 'warning',
    meaning: 'More new work is requested than can be done in time: some requests are answered 503 with Retry-After.',
    action:
      'Nothing, if a peak passes. Otherwise find what is too slow: the reason says what new work waits for. Add instances or a faster database.',
  },
});

const REASONS: Readonly<Record<Stage, string>> = {
  store: 'new work waits too long to be stored',
  answers: 'new work waits too long to be answered by other services',
};

export interface ShedReportOptions {
  stages: Readonly<Record<Stage, InFlight>>;
  alerts: Alerts;
  metrics: MetricsRegistry;
}

/** Returns a function that counts a rejected request, and raises an alert that ends once none has been rejected for a while. */
export function createShedReport({ stages, alerts, metrics }: ShedReportOptions): (waitsFor: Stage) => void {
  const shed = registerMetrics(stages, metrics);
  const subject = 'new work';
  let shedMeanwhile = false;
  let timer: NodeJS.Timeout | undefined;

  function watch(): void {
    shedMeanwhile = false;
    timer = setTimeout(() => {
      timer = undefined;
      if (shedMeanwhile) watch();
      else alerts.clear(alertKinds.OVERLOADED, subject);
    }, CALM_MS).unref();
  }

  return (waitsFor) => {
    shed.inc({ waits_for: waitsFor });
    shedMeanwhile = true;
    if (timer) return;
    alerts.raise(alertKinds.OVERLOADED, { subject, reason: REASONS[waitsFor] });
    watch();
  };
}

function registerMetrics(stages: ShedReportOptions['stages'], metrics: MetricsRegistry) {
  const entries = Object.entries(stages);
  const registers = [metrics];
  const labelNames = ['waits_for'];
  const gauge = (name: string, help: string, read: (stage: InFlight) => number) =>
    new Gauge({
      ...{ name, help, labelNames, registers },
      collect() {
        for (const [waits_for, stage] of entries) this.set({ waits_for }, read(stage));
      },
    });
  gauge('warren_shed_limit', 'How much new work may be in flight to be done in time', ({ limit }) => limit.value);
  gauge('warren_shed_in_flight', 'New work in flight, by what it waits for', ({ size }) => size);
  const help = 'Requests answered 503 because of overload, by what new work waited for';
  const shed = new Counter({ name: 'warren_shed_requests_total', help, labelNames, registers });
  for (const [waits_for] of entries) shed.inc({ waits_for }, 0);
  return shed;
}
