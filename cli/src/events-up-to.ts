import type { Moment } from './arguments.ts';
import { cliErrors } from './cli-errors.ts';

/**
 * The events up to a moment.
 * @param events all events of an aggregate, oldest first
 * @param what the aggregate, for messages, e.g. `order 42`
 * @throws `CLI_NOT_FOUND` for a version that it has not reached, or a time before its first event
 */
export function eventsUpTo<Event extends { readonly timestamp: string }>(
  events: readonly Event[],
  moment: Moment,
  what: string,
): readonly Event[] {
  if ('version' in moment) {
    if (moment.version <= events.length) return events.slice(0, moment.version);
    throw cliErrors.CLI_NOT_FOUND(`${what} has reached only version ${events.length}, not ${moment.version}`);
  }
  const later = events.findIndex((event) => Date.parse(event.timestamp) > moment.timeMs);
  if (later !== 0) return later < 0 ? events : events.slice(0, later);
  throw cliErrors.CLI_NOT_FOUND(`there was no ${what} at that time: it began at ${events[0]?.timestamp}`);
}
