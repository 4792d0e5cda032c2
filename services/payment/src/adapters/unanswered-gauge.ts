import { createSharedRead, Gauge, type Logger, type MetricsRegistry } from '@warren/kernel';
import type { OpenPayments } from '../application/open-payments.ts';

/** The metric `warren_payment_unanswered_seconds`. */
export function addUnansweredGauge(
  open: Pick<OpenPayments, 'oldestAgeSeconds'>,
  { logger, metrics }: { logger: Logger; metrics: MetricsRegistry },
): void {
  const read = createSharedRead(() => open.oldestAgeSeconds());
  new Gauge({
    name: 'warren_payment_unanswered_seconds',
    help: 'How long the gateway has not answered the oldest open payment; NaN while the database does not say',
    registers: [metrics],
    async collect() {
      const seconds = await read().catch((err: unknown) => {
        logger.debug({ err }, 'the open payments cannot be read');
        return Number.NaN;
      });
      this.set(seconds);
    },
  });
}
