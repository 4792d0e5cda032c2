import type { AlertKind, Alerts } from '@warren/kernel';
import type { BrokerOutcome, PendingMessage } from '../broker.ts';
import type { OutgoingMessage } from '../message.ts';
import { publishAlerts } from './publish-alerts.ts';

export interface RefusalsOptions {
  alerts: Alerts;
  /** A route counts as open after this long with a confirm and without a refusal, in milliseconds. @default 3000 */
  quietMs?: number;
  /** A route is forgotten after this long without an attempt, in milliseconds. @default 90000 */
  forgetMs?: number;
}

/** The part of a pending that `record` reads. */
type RecordedMessage = Pick<PendingMessage, 'bestEffort'> & {
  message: Pick<OutgoingMessage, 'exchange' | 'routingKey'>;
};

interface RefusedRoute {
  kinds: Set<AlertKind>;
  refusedAt: number;
  confirmed: boolean;
}

/**
 * Raises one alert per refused exchange and routing key, for as long as the refusal lasts. A full queue accepts a message now and then, so
 * a single confirm does not end the alert.
 */
export class Refusals {
  readonly #alerts: Alerts;
  readonly #quietMs: number;
  readonly #forgetMs: number;
  readonly #routes = new Map<string, RefusedRoute>();
  #timer: NodeJS.Timeout | undefined;

  constructor({ alerts, quietMs = 3000, forgetMs = 90_000 }: RefusalsOptions) {
    this.#alerts = alerts;
    this.#quietMs = quietMs;
    this.#forgetMs = forgetMs;
  }

  /** Records the outcome of a message. */
  record({ message: { exchange, routingKey }, bestEffort }: RecordedMessage, outcome: BrokerOutcome): void {
    if (outcome.status === 'confirmed') {
      if (this.#routes.size === 0) return;
      const route = this.#routes.get(subjectOf(exchange, routingKey));
      if (route) route.confirmed = true;
      return;
    }
    const kind = alertFor(outcome);
    // Never more than a warning: the service reports its readiness with such messages, so they must not change it.
    if (kind && bestEffort)
      this.#refused(subjectOf(exchange, routingKey), publishAlerts.BEST_EFFORT_REFUSED, outcome.reason);
    else if (kind) this.#refused(subjectOf(exchange, routingKey), kind, outcome.reason);
  }

  /** Stops reporting. */
  close(): void {
    clearInterval(this.#timer);
    this.#routes.clear();
  }

  #refused(subject: string, kind: AlertKind, reason: string): void {
    const route = this.#routes.get(subject) ?? { kinds: new Set() };
    this.#routes.set(subject, { kinds: route.kinds.add(kind), refusedAt: Date.now(), confirmed: false });
    this.#alerts.raise(kind, { subject, reason });
    this.#timer ??= setInterval(() => this.#check(), Math.max(10, this.#quietMs / 3)).unref();
  }

  #check(): void {
    const now = Date.now();
    for (const [subject, { kinds, refusedAt, confirmed }] of this.#routes) {
      if (now - refusedAt < (confirmed ? this.#quietMs : this.#forgetMs)) continue;
      this.#routes.delete(subject);
      for (const kind of kinds) this.#alerts.clear(kind, subject);
    }
    if (this.#routes.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

const subjectOf = (exchange: string, routingKey: string): string => `${exchange}/${routingKey}`;

function alertFor(outcome: BrokerOutcome): AlertKind | undefined {
  if (outcome.status === 'nacked') return publishAlerts.PUBLISH_REFUSED;
  if (outcome.status === 'returned') return publishAlerts.EVENT_UNROUTABLE;
  if (outcome.status !== 'unknown' || !outcome.routeFault) return undefined;
  return outcome.routeFault === 'refused' ? publishAlerts.PUBLISH_REFUSED : publishAlerts.PUBLISH_UNANSWERED;
}
