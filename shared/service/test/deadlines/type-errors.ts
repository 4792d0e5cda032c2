/** What must not compile: `npm run types` fails when one of these lines does. Each fails for the reason that its comment gives. */
import { defineDeadline } from '@warren/event-store';
import { Replied, ticket, tickets } from './tickets.ts';

const expire = (id: string) => ({ type: 'Expire', data: { id } }) as const;
const spec = { aggregate: ticket, model: tickets, answeredBy: [Replied], limitMs: 1000 };

defineDeadline({ ...spec, waiting: { status: 'open' }, overdue: expire });

// @ts-expect-error a ticket is never lost
defineDeadline({ ...spec, waiting: { status: 'lost' }, overdue: expire });

// @ts-expect-error a row has no such field
defineDeadline({ ...spec, waiting: { colour: 'red' }, overdue: expire });

// @ts-expect-error a version is no text, by which rows are found
defineDeadline({ ...spec, waiting: { version: 1 }, overdue: expire });

// @ts-expect-error a ticket takes no such input
defineDeadline({ ...spec, waiting: { status: 'open' }, overdue: (id) => ({ type: 'Lose', data: { id } }) });

const { hidden, ...withoutPosition } = tickets;
// @ts-expect-error the search needs the position
defineDeadline({ ...spec, model: { ...withoutPosition, hidden: {} }, waiting: { status: 'open' }, overdue: expire });
