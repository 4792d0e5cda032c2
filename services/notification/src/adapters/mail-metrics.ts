import { Counter, createSharedRead, Gauge, type Logger, type MetricsRegistry } from '@warren/kernel';
import type { MailQueue } from '../application/mail-queue.ts';

export function createMailCounter(metrics: MetricsRegistry): Counter<'kind' | 'outcome'> {
  return new Counter({
    name: 'warren_notification_mails_total',
    help: 'Mails by kind and outcome; those with the outcome unknown, deactivated or overtaken were dropped, repeated ones were sent twice',
    labelNames: ['kind', 'outcome'],
    registers: [metrics],
  });
}

export interface MailGaugesOptions {
  queue: Pick<MailQueue, 'backlog'>;
  /** Whether the mail server can be used. */
  isUp(): boolean;
  logger: Logger;
  metrics: MetricsRegistry;
}

/** The metrics of the mail server and of the waiting mails. */
export function addMailGauges({ queue, isUp, logger, metrics }: MailGaugesOptions): void {
  const registers = [metrics];
  const read = createSharedRead(() => queue.backlog());
  new Gauge({
    name: 'warren_notification_mail_server_up',
    help: '0 while the mail server cannot be used',
    registers,
    collect() {
      this.set(isUp() ? 1 : 0);
    },
  });
  const waiting = new Gauge({
    name: 'warren_notification_mails_waiting',
    help: 'Mails that are neither sent, refused nor dropped yet',
    registers,
    async collect() {
      const backlog = await read().catch((err) => {
        logger.debug({ err }, 'cannot count the waiting mails right now');
        return undefined;
      });
      // No value is better than a stale one.
      if (backlog === undefined) {
        waiting.reset();
        overdue.reset();
        return;
      }
      waiting.set(backlog.mails);
      overdue.set(backlog.dueForMs / 1000);
    },
  });
  const overdue = new Gauge({
    name: 'warren_notification_mail_overdue_seconds',
    help: 'How long the oldest unsent mail has been due',
    registers,
  });
}
