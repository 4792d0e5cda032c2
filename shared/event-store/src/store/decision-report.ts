import type { AnyAggregate, Cause } from '@warren/contracts';
import { Counter, type Logger, type MetricsRegistry } from '@warren/kernel';
import type { Asked, Outcome } from './decide-aggregate.ts';

/** Returns a function that counts and logs the outcome of an input. Call it after the commit. */
export function createDecisionReport(logger: Logger, metrics: MetricsRegistry) {
  const decisions = new Counter({
    name: 'warren_decisions_total',
    help: 'Inputs of aggregates by outcome: the type of each resulting event, or ignored',
    labelNames: ['aggregate', 'input', 'outcome'],
    registers: [metrics],
  });
  return <A extends AnyAggregate>({ category }: A, { input, cause }: Asked<A>, outcome: Outcome<A>): void => {
    const { type } = input as { type: string };
    const { id, events, ignored } = outcome;
    const { causationId: messageId, correlationId }: Partial<Cause> = cause ?? events[0]?.metadata ?? {};
    const about = { aggregate: category, id, messageId, correlationId };
    if (ignored !== undefined) {
      decisions.inc({ aggregate: category, input: type, outcome: 'ignored' });
      logger.info({ ...about, reason: ignored }, `${type} ignored`);
    }
    for (const event of events) {
      decisions.inc({ aggregate: category, input: type, outcome: event.type });
      logger.debug({ ...about, event: event.type }, `${type} decided`);
    }
  };
}
