import { setTimeout as pause } from 'node:timers/promises';
import { DEAD_LETTER_EXCHANGE, retryName } from '@warren/contracts';
import { type Alerts, type AppError, type Logger, toAppError } from '@warren/kernel';
import type { Broker } from '../broker.ts';
import type { QueueMetrics } from '../bus-metrics.ts';
import { copyBody, copyMessage } from '../copy-message.ts';
import type { Delivery, OutgoingMessage } from '../message.ts';
import { publishAlerts } from '../publish/publish-alerts.ts';
import type { Publisher } from '../publish/publisher.ts';
import { failureHeaders, historyOf } from './failure-headers.ts';
import { type Fate, fateOf } from './fate.ts';
import type { RetryPolicy } from './subscription.ts';

export interface SettlerOptions {
  queue: string;
  service: string;
  policy: RetryPolicy;
  broker: Pick<Broker, 'headerBytes'>;
  publisher: Pick<Publisher, 'post'>;
  metrics: QueueMetrics;
  alerts: Alerts;
  logger: Logger;
  /** A message rests in a delay queue and comes back after so many milliseconds. Told before the original is acknowledged. */
  onRetry(delayMs: number): void;
  /** Aborted when nothing may be waited for any more. */
  signal: AbortSignal;
}

/** A copy that is to take the place of a failed message. */
interface Move {
  copy: OutgoingMessage;
  /** The same without what AMQP may not be able to express. */
  bare?: () => OutgoingMessage;
  onMoved(): void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * The one place where a message is settled. A failed message is moved: published to its delay queue or to the dead letters
 * with confirm and `mandatory`, and only then acknowledged. So a crash at any point may double it but never lose it.
 */
export class Settler {
  readonly #options: SettlerOptions;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  succeed(delivery: Delivery): void {
    this.#options.metrics.consumed.inc();
    delivery.ack();
  }

  /** What was delivered so far can no longer be settled. */
  lost(): void {
    this.#options.alerts.clear(publishAlerts.MESSAGE_STUCK, this.#options.queue);
  }

  /** Settles a message whose handling threw, by the kind of the error. Resolves when that is done or given up. */
  async fail(delivery: Delivery, thrown: unknown): Promise<void> {
    try {
      await this.#settleFailure(delivery, thrown);
    } catch (err) {
      // Unsettled, so the broker delivers it again after the next reconnect, and counts.
      this.#options.logger.fatal({ err, queue: this.#options.queue }, 'a failed message could not be settled');
    }
  }

  async #settleFailure(delivery: Delivery, thrown: unknown): Promise<void> {
    const { queue, service, policy, broker } = this.#options;
    const error = toAppError(thrown);
    const { failures, transientFailures } = historyOf(delivery);
    const attempt = failures + 1;
    const transientAttempts = transientFailures + (error.kind === 'transient' ? 1 : 0);
    const fate = fateOf(error, error.kind === 'transient' ? transientAttempts : attempt - transientAttempts, policy);
    this.#report(delivery, error, attempt, fate);
    if (fate.action === 'ack') return this.succeed(delivery);
    const reason = fate.action === 'dead-letter' ? fate.reason : undefined;
    const facts = { error, attempt, transientAttempts, queue, service, now: new Date(), reason };
    const failure = { message: delivery, ...facts };
    const exchange = fate.action === 'retry' ? retryName(fate.delayMs) : DEAD_LETTER_EXCHANGE;
    const target = { exchange, routingKey: queue };
    const full = copyMessage(delivery, { ...target, headers: failureHeaders(failure, broker.headerBytes) });
    const bare = () => copyBody(delivery, { ...target, headers: failureHeaders(failure, broker.headerBytes, 'none') });
    const onMoved = () => fate.action === 'retry' && this.#options.onRetry(fate.delayMs);
    const moved = await this.#move(delivery, { copy: full, bare, onMoved });
    if (moved) this.#options.metrics[fate.action === 'retry' ? 'retried' : 'deadLettered'](error.code);
  }

  /** Tries until the broker has the copy. Without it the message stays unacknowledged, and the broker delivers it again. */
  async #move(delivery: Delivery, { copy, bare, onMoved }: Move): Promise<boolean> {
    const { publisher, logger, signal, queue } = this.#options;
    for (let pauseMs = FIRST_PAUSE_MS; delivery.live; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const outcome = await publisher.post(copy);
      if (outcome.status === 'confirmed') {
        onMoved();
        delivery.ack();
        return true;
      }
      if (outcome.status === 'unsendable') {
        if (!bare) return this.#stuck(outcome.reason);
        logger.warn({ queue, to: copy.exchange, outcome }, 'a failed message moves without its properties and headers');
        return this.#move(delivery, { copy: bare(), onMoved });
      }
      // Reported by the publisher, once for all that are refused there.
      logger.debug({ queue, to: copy.exchange, outcome }, 'a failed message could not be moved yet: trying again');
      await pause(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
    }
    return false;
  }

  /** It would be refused at every try. The broker keeps it unacknowledged, and delivers it again on the next channel. */
  #stuck(reason: string): false {
    const { alerts, queue } = this.#options;
    alerts.raise(publishAlerts.MESSAGE_STUCK, { subject: queue, reason });
    return false;
  }

  #report({ properties }: Delivery, err: AppError, attempt: number, fate: Fate): void {
    const { logger, queue } = this.#options;
    const facts = {
      queue,
      attempt,
      eventId: properties.messageId,
      type: properties.type,
      correlationId: properties.correlationId,
      code: err.code,
    };
    if (fate.action === 'ack')
      logger.info({ ...facts, reason: err.message }, 'refused by a business rule: acknowledged');
    else if (fate.action === 'retry')
      logger.warn({ ...facts, err, delayMs: fate.delayMs }, 'failed: will be tried again');
    else logger.error({ ...facts, err, reason: fate.reason }, 'failed: goes to the dead letters');
  }
}
