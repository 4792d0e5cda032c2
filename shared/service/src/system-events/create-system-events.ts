import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import {
  createEvent,
  ErrorOccurred,
  type EventContract,
  type EventOf,
  HealthChanged,
  ServiceStarted,
  ServiceStopping,
} from '@warren/contracts';
import type { EventBus } from '@warren/event-bus';
import { type Component, createId, type ErrorFeed, type Readiness, toStorableText } from '@warren/kernel';
import { codeOf, ErrorDigest, type ErrorReport } from './error-digest.ts';
import { HealthChanges } from './health-changes.ts';

export interface SystemEventsOptions {
  /** Its catalogue must include the `systemEvents` of `@warren/contracts`. */
  bus: Pick<EventBus, 'publishBestEffort'>;
  /** Name of the service. */
  service: string;
  errors: Pick<ErrorFeed, 'onError'>;
  /** The lifecycle's `readiness`. */
  readiness(): Promise<Readiness>;
  /** Interval of the checks for health changes and unpublished events, in milliseconds. @default 5000 */
  lookEveryMs?: number;
  /** How many errors of one code are published within `errorWindowMs`. One more then represents the rest, with their number. @default 3 */
  errorLimit?: number;
  /** Milliseconds. @default 60000 */
  errorWindowMs?: number;
}

/** How long a stop waits for the broker to confirm the last event, in milliseconds. */
const STOP_MS = 500;
/** Maximum message length of the contract; a longer message is truncated. */
const MESSAGE_LENGTH = 500;

/**
 * Publishes the events of an instance's lifecycle: `ServiceStarted`, `HealthChanged`, `ErrorOccurred`, `ServiceStopping`. Best effort: nothing is
 * stored, no consumer is needed, and nothing waits for them, except a stop for at most half a second. While the broker is unavailable, the start,
 * the current health and one error of each code are kept, and published when the broker is back.
 *
 * Must be the last component of the lifecycle, so that it starts when all others run and stops first.
 */
export function createSystemEvents(options: SystemEventsOptions): Component {
  const { bus, service, errors, readiness, lookEveryMs = 5000, errorLimit = 3, errorWindowMs = 60_000 } = options;
  const instanceId = createId();
  const health = new HealthChanges();
  const digest = new ErrorDigest({ limit: errorLimit, windowMs: errorWindowMs });
  const over = new AbortController();
  let startedAt = 0;
  /** The start event until it is published. Kept unchanged, so that a duplicate has the same id. */
  let started: EventOf<typeof ServiceStarted> | undefined;

  const about = (at: Date, correlationId = instanceId) => ({
    aggregateId: instanceId,
    source: service,
    now: at,
    correlationId,
  });
  /** Returns false if the broker has not seen the event. A refused event is not retried: each attempt would add a copy to other queues. */
  async function tell(event: EventOf<EventContract>): Promise<boolean> {
    const outcome = await bus.publishBestEffort(event);
    return outcome.status !== 'unsent' && (outcome.status !== 'unknown' || outcome.routeFault !== undefined);
  }

  async function tellStart(): Promise<void> {
    if (started && (await tell(started))) started = undefined;
  }

  async function tellHealth(): Promise<void> {
    const now = await readiness();
    if (over.signal.aborted || now.state !== 'started') return;
    const news = health.observe(now, new Date());
    if (!news) return;
    const { at, ...data } = news;
    if (await tell(createEvent(HealthChanged, { ...about(at), data: { service, instanceId, ...data } }))) {
      health.told(news);
    }
  }

  async function tellError(report: ErrorReport): Promise<void> {
    const { logged, at, omitted } = report;
    const { severity, message, error, correlationId } = logged;
    const code = codeOf(logged);
    const data = {
      service,
      instanceId,
      severity,
      // Truncation may have left half a surrogate pair.
      message: toStorableText(message.slice(0, MESSAGE_LENGTH)),
      ...(code !== undefined && { code }),
      ...(error && { kind: error.kind }),
      omitted,
    };
    const event = createEvent(ErrorOccurred, { ...about(new Date(at), correlationId), data });
    if (!(await tell(event))) digest.putBack(report, Date.now());
  }

  async function look(): Promise<void> {
    await tellStart();
    // The events of an instance begin with its start, even if the broker returns in the middle of a check.
    if (started) return;
    await tellHealth();
    await Promise.all(digest.due(Date.now()).map(tellError));
  }

  async function watch(): Promise<void> {
    while (!over.signal.aborted) {
      await look();
      await pause(lookEveryMs, undefined, { signal: over.signal }).catch(() => undefined);
    }
  }

  errors.onError((logged) => {
    const report = digest.add(logged, Date.now());
    if (report) void tellError(report);
  });

  return {
    name: 'system-events',
    async start() {
      startedAt = performance.now();
      const data = { service, instanceId, host: hostname(), pid: process.pid, node: process.version };
      started = createEvent(ServiceStarted, { ...about(new Date()), data });
      void watch();
    },
    async stop() {
      over.abort();
      const data = { service, instanceId, uptimeMs: Math.round(performance.now() - startedAt) };
      const stopping = createEvent(ServiceStopping, { ...about(new Date()), data });
      const told = Promise.all([tellStart(), tell(stopping)]);
      // A connection that is closed immediately may drop what was just written to it.
      await Promise.race([told, pause(STOP_MS, undefined, { ref: false })]);
    },
  };
}
