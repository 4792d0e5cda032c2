import type { Moment } from './arguments.ts';
import { cliErrors } from './cli-errors.ts';

/**
 * The events that had happened at a moment.
 * @param events all of something, oldest first
 * @param what it is, for messages, e.g. `order 42`
 * @throws `CLI_NOT_FOUND` for a version that it has not come to, or a time before it was
 */
export function eventsUpTo<Event extends { readonly timestamp: string }>(
  events: readonly Event[],
  moment: Moment,
  what: string,
): readonly Event[] {
  if ('version' in moment) {
    if (moment.version <= events.length) return events.slice(0, moment.version);
    throw cliErrors.CLI_NOT_FOUND(`${what} has only come to version ${events.length}, not to ${moment.version}`);
  }
  const later = events.findIndex((event) => Date.parse(event.timestamp) > moment.timeMs);
  if (later !== 0) return later < 0 ? events : events.slice(0, later);
  throw cliErrors.CLI_NOT_FOUND(`there was no ${what} at that time: it began at ${events[0]?.timestamp}`);
}
