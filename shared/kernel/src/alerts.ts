import { type Logger, silentLogger } from './logger.ts';
import { Counter, Gauge, type MetricsRegistry } from './metrics.ts';

/** A kind of condition that operators must know about. */
export interface AlertKind {
  /** Stable, upper-case name, e.g. `PUBLISH_REFUSED`. Documented in docs/operations.md. */
  readonly code: string;
  /** `degraded`: the service does only part of its work, and readiness reports it. `warning`: the service still does all of its work. */
  readonly severity: 'degraded' | 'warning';
  /** What it means. */
  readonly meaning: string;
  /** What to do about it. */
  readonly action: string;
}

/** One active condition: its kind and its subject. */
export interface Alert extends AlertKind {
  /** What is affected: a queue, an exchange with its routing key, a table. Never the id of a single message. */
  subject: string;
  /** The latest cause, as the refusing party reported it. */
  reason: string;
  /** When it began, ISO 8601. */
  since: string;
  /** How often it was reported. */
  count: number;
}

export interface Alerts {
  /** Reports a condition. Logs a warning the first time; after that only counts. */
  raise(kind: AlertKind, about: Pick<Alert, 'subject' | 'reason'>): void;
  /** Ends the condition. If it was active, logs how long it lasted and how often it was reported. */
  clear(kind: AlertKind, subject: string): void;
  /** The active conditions, oldest first. */
  active(): Alert[];
}

const catalogue = new Map<string, AlertKind>();

/** Declares the alerts of a package or service. {@link alertCatalogue} lists all alerts declared so far. */
export function defineAlerts<const Definitions extends Record<string, Omit<AlertKind, 'code'>>>(
  definitions: Definitions,
): { readonly [Code in keyof Definitions]: AlertKind } {
  const kinds = Object.entries(definitions).map(([code, definition]) => [code, { code, ...definition }] as const);
  for (const [code, kind] of kinds) catalogue.set(code, kind);
  return Object.fromEntries(kinds) as { readonly [Code in keyof Definitions]: AlertKind };
}

/** Every alert declared in this process. A test compares it with docs/operations.md. */
export function alertCatalogue(): ReadonlyMap<string, AlertKind> {
  return catalogue;
}

export interface AlertsOptions {
  logger?: Logger;
  /** Where `warren_alerts{code}` and `warren_alert_reports_total{code}` are registered. @default nowhere */
  metrics?: MetricsRegistry;
}

/** Tracks active conditions. Each one takes one log line when it begins and one when it ends, however often it is reported in between. */
export function createAlerts({ logger = silentLogger, metrics }: AlertsOptions = {}): Alerts {
  const raised = new Map<string, Alert>();
  const reports = registerMetrics(metrics, () => raised.values());

  return {
    raise(kind, { subject, reason }) {
      const key = keyOf(kind, subject);
      const known = raised.get(key);
      reports?.inc({ code: kind.code });
      if (known) {
        Object.assign(known, { reason, count: known.count + 1 });
        return;
      }
      raised.set(key, { ...kind, subject, reason, since: new Date().toISOString(), count: 1 });
      logger.warn({ code: kind.code, subject, reason, action: kind.action }, kind.meaning);
    },
    clear(kind, subject) {
      const key = keyOf(kind, subject);
      const known = raised.get(key);
      if (!known) return;
      raised.delete(key);
      const { code, since, count } = known;
      logger.info({ code, subject, since, lastedMs: Date.now() - Date.parse(since), count }, `over: ${kind.meaning}`);
    },
    active: () => [...raised.values()].map((alert) => ({ ...alert })),
  };
}

const keyOf = ({ code }: AlertKind, subject: string): string => `${code} ${subject}`;

function registerMetrics(metrics: MetricsRegistry | undefined, active: () => Iterable<Alert>) {
  if (!metrics) return undefined;
  new Gauge({
    name: 'warren_alerts',
    help: 'Active conditions that operators must know about, by code (docs/operations.md)',
    labelNames: ['code'],
    registers: [metrics],
    collect() {
      this.reset();
      for (const { code } of active()) this.inc({ code });
    },
  });
  return new Counter({
    name: 'warren_alert_reports_total',
    help: 'How often each condition was reported, by code (docs/operations.md)',
    labelNames: ['code'],
    registers: [metrics],
  });
}
