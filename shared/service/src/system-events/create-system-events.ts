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
  /** Its catalogue has the `systemEvents` of `@warren/contracts`. */
  bus: Pick<EventBus, 'publishBestEffort'>;
  /** Name of the service. */
  service: string;
  errors: Pick<ErrorFeed, 'onError'>;
  /** The lifecycle's `readiness`. */
  readiness(): Promise<Readiness>;
  /** How often it looks for changes of health and for what is to be told yet, in milliseconds. @default 1000 */
  lookEveryMs?: number;
  /** How many errors of one code are told within `errorWindowMs`; of the rest one more, with their number. @default 3 */
  errorLimit?: number;
  /** @default 60000 */
  errorWindowMs?: number;
}

/** How long a stop waits for the broker to take the last event, in milliseconds. */
const STOP_MS = 500;
/** A longer text than the contract has room for is cut. */
const MESSAGE_LENGTH = 500;

/**
 * Tells what becomes of an instance: `ServiceStarted`, `HealthChanged`, `ErrorOccurred`, `ServiceStopping`. Best effort: nothing is
 * stored, nobody needs to listen, and nothing waits for it, save a stop for half a second at most. While the broker is away the start,
 * the present health and one error of each code are kept, and told when it is back.
 *
 * To be the last of the lifecycle's components: it starts when all others run, and is the first to stop.
 */
export function createSystemEvents(options: SystemEventsOptions): Component {
  const { bus, service, errors, readiness, lookEveryMs = 1000, errorLimit = 3, errorWindowMs = 60_000 } = options;
  const instanceId = createId();
  const health = new HealthChanges();
  const digest = new ErrorDigest({ limit: errorLimit, windowMs: errorWindowMs });
  const over = new AbortController();
  let startedAt = 0;
  /** Until it is told: kept as it is, so that a copy of it has its id. */
  let started: EventOf<typeof ServiceStarted> | undefined;

  const about = (at: Date, correlationId = instanceId) => ({
    aggregateId: instanceId,
    source: service,
    now: at,
    correlationId,
  });
  /** False when the broker has not seen it. What is refused is not told again: each try would be one more copy for other queues. */
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
      // The cut may have left half of a pair.
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
    // What is heard of an instance begins with its start, also where the broker is back in the middle of a look.
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
      // A connection that is closed at once may close before what was given to it has left.
      await Promise.race([told, pause(STOP_MS, undefined, { ref: false })]);
    },
  };
}
