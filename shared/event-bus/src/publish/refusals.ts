import type { AlertKind, Alerts } from '@warren/kernel';
import type { Posting, PostOutcome } from '../broker.ts';
import type { OutgoingMessage } from '../message.ts';
import { publishAlerts } from './publish-alerts.ts';

export interface RefusalsOptions {
  alerts: Alerts;
  /** A route counts as open when something was confirmed and nothing refused for this long, in milliseconds. @default 3000 */
  quietMs?: number;
  /** Nobody publishes there any more when nothing was tried for this long, in milliseconds. @default 90000 */
  forgetMs?: number;
}

/** What a note needs to know of a posting. */
type NotedPosting = Pick<Posting, 'expendable'> & { message: Pick<OutgoingMessage, 'exchange' | 'routingKey'> };

interface RefusedRoute {
  kinds: Set<AlertKind>;
  refusedAt: number;
  confirmed: boolean;
}

/**
 * Reports which exchanges and routing keys the broker refuses, each once for as long as that lasts. A queue that is full takes a message now
 * and then: a single confirm does not end it.
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

  /** Takes note of what became of a message. */
  note({ message: { exchange, routingKey }, expendable }: NotedPosting, outcome: PostOutcome): void {
    if (outcome.status === 'confirmed') {
      if (this.#routes.size === 0) return;
      const route = this.#routes.get(subjectOf(exchange, routingKey));
      if (route) route.confirmed = true;
      return;
    }
    const kind = alertFor(outcome);
    // Never more than a warning: readiness is told by such a message, which must not change it.
    if (kind && expendable) this.#refused(subjectOf(exchange, routingKey), publishAlerts.NEWS_REFUSED, outcome.reason);
    else if (kind) this.#refused(subjectOf(exchange, routingKey), kind, outcome.reason);
  }

  /** Reports nothing more. */
  close(): void {
    clearInterval(this.#timer);
    this.#routes.clear();
  }

  #refused(subject: string, kind: AlertKind, reason: string): void {
    const route = this.#routes.get(subject) ?? { kinds: new Set() };
    this.#routes.set(subject, { kinds: route.kinds.add(kind), refusedAt: Date.now(), confirmed: false });
    this.#alerts.raise(kind, { subject, reason });
    this.#timer ??= setInterval(() => this.#look(), Math.max(10, this.#quietMs / 3)).unref();
  }

  #look(): void {
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

function alertFor(outcome: PostOutcome): AlertKind | undefined {
  if (outcome.status === 'nacked') return publishAlerts.PUBLISH_REFUSED;
  if (outcome.status === 'returned') return publishAlerts.EVENT_UNROUTABLE;
  if (outcome.status !== 'unknown' || !outcome.routeFault) return undefined;
  return outcome.routeFault === 'refused' ? publishAlerts.PUBLISH_REFUSED : publishAlerts.PUBLISH_UNANSWERED;
}
