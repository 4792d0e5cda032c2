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
import { type FailureAction, failureActionFor } from './failure-policy.ts';
import type { RetryPolicy } from './subscription.ts';

export interface SettlerOptions {
  queue: string;
  service: string;
  policy: RetryPolicy;
  broker: Pick<Broker, 'headerBytes'>;
  publisher: Pick<Publisher, 'publish'>;
  metrics: QueueMetrics;
  alerts: Alerts;
  logger: Logger;
  /** Called when a message was moved to a delay queue, with its delay in milliseconds, before the original is acknowledged. */
  onRetry(delayMs: number): void;
  /** Aborts all waiting. */
  signal: AbortSignal;
}

/** A copy that replaces a failed message. */
interface Move {
  copy: OutgoingMessage;
  /** The fallback without anything that AMQP may be unable to express. */
  bare?: () => OutgoingMessage;
  onMoved(): void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * The only place where a message is settled. A failed message is moved: published to its delay queue or the dead letters with confirm and
 * `mandatory`, and acknowledged only then. A crash at any point may duplicate it but never lose it.
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

  /** Earlier deliveries can no longer be settled. */
  lost(): void {
    this.#options.alerts.clear(publishAlerts.MESSAGE_STUCK, this.#options.queue);
  }

  /** Settles a message whose handler threw, according to the error's kind. Resolves when that is done or abandoned. */
  async fail(delivery: Delivery, thrown: unknown): Promise<void> {
    try {
      await this.#settleFailure(delivery, thrown);
    } catch (err) {
      // The message stays unsettled, so the broker redelivers it after the next reconnect and counts that.
      this.#options.logger.fatal({ err, queue: this.#options.queue }, 'could not settle a failed message');
    }
  }

  async #settleFailure(delivery: Delivery, thrown: unknown): Promise<void> {
    const { queue, service, policy, broker } = this.#options;
    const error = toAppError(thrown);
    const { failures, transientFailures } = historyOf(delivery);
    const attempt = failures + 1;
    const transientAttempts = transientFailures + (error.kind === 'transient' ? 1 : 0);
    const decision = failureActionFor(
      error,
      error.kind === 'transient' ? transientAttempts : attempt - transientAttempts,
      policy,
    );
    this.#report(delivery, error, attempt, decision);
    if (decision.action === 'ack') return this.succeed(delivery);
    const reason = decision.action === 'dead-letter' ? decision.reason : undefined;
    const facts = { error, attempt, transientAttempts, queue, service, now: new Date(), reason };
    const failure = { message: delivery, ...facts };
    const exchange = decision.action === 'retry' ? retryName(decision.delayMs) : DEAD_LETTER_EXCHANGE;
    const target = { exchange, routingKey: queue };
    const full = copyMessage(delivery, { ...target, headers: failureHeaders(failure, broker.headerBytes) });
    const bare = () => copyBody(delivery, { ...target, headers: failureHeaders(failure, broker.headerBytes, 'none') });
    const onMoved = () => decision.action === 'retry' && this.#options.onRetry(decision.delayMs);
    const moved = await this.#move(delivery, { copy: full, bare, onMoved });
    if (moved) this.#options.metrics[decision.action === 'retry' ? 'retried' : 'deadLettered'](error.code);
  }

  /** Retries until the broker has the copy. Until then the message stays unacknowledged, so that the broker redelivers it after a crash. */
  async #move(delivery: Delivery, { copy, bare, onMoved }: Move): Promise<boolean> {
    const { publisher, logger, signal, queue } = this.#options;
    for (let pauseMs = FIRST_PAUSE_MS; delivery.live; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const outcome = await publisher.publish(copy);
      if (outcome.status === 'confirmed') {
        onMoved();
        delivery.ack();
        return true;
      }
      if (outcome.status === 'unsendable') {
        if (!bare) return this.#stuck(outcome.reason);
        logger.warn(
          { queue, to: copy.exchange, outcome },
          'moving a failed message without its properties and headers',
        );
        return this.#move(delivery, { copy: bare(), onMoved });
      }
      // The publisher has reported this, once per refused route.
      logger.debug({ queue, to: copy.exchange, outcome }, 'could not move a failed message yet: will retry');
      await pause(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
    }
    return false;
  }

  /** Every attempt would be refused. The broker keeps the message unacknowledged and redelivers it on the next channel. */
  #stuck(reason: string): false {
    const { alerts, queue } = this.#options;
    alerts.raise(publishAlerts.MESSAGE_STUCK, { subject: queue, reason });
    return false;
  }

  #report({ properties }: Delivery, err: AppError, attempt: number, decision: FailureAction): void {
    const { logger, queue } = this.#options;
    const facts = {
      queue,
      attempt,
      eventId: properties.messageId,
      type: properties.type,
      correlationId: properties.correlationId,
      code: err.code,
    };
    if (decision.action === 'ack')
      logger.info({ ...facts, reason: err.message }, 'refused by a business rule: acknowledged');
    else if (decision.action === 'retry')
      logger.warn({ ...facts, err, delayMs: decision.delayMs }, 'handling failed: will retry');
    else logger.error({ ...facts, err, reason: decision.reason }, 'handling failed: moving to the dead letters');
  }
}
