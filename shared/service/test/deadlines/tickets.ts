import { DateTime, defineAggregate, defineEvent, type EventIn, ignored, type MessageOf, Uuid } from '@warren/contracts';
import { type Deadline, defineDeadline, defineReadModel, type Migration } from '@warren/event-store';
import { kernelErrors } from '@warren/kernel';
import { Type } from 'typebox';

const schema = Type.Object({ id: Type.String() });
/** What the helpdesk hears of: a ticket waits for its reply. */
export const Opened = defineEvent({ type: 'Opened', version: 1, exchange: 'tickets', routingKey: 'opened', schema });
/** The answer. */
export const Replied = defineEvent({ type: 'Replied', version: 1, exchange: 'desk', routingKey: 'replied', schema });
const events = {
  Opened,
  Solved: defineEvent({ type: 'Solved', version: 1, exchange: 'tickets', routingKey: 'solved', schema }),
  Expired: defineEvent({ type: 'Expired', version: 1, exchange: 'tickets', routingKey: 'expired', schema }),
};

type TicketEvent = EventIn<typeof events>;
type TicketInput =
  | { type: 'Open'; data: { id: string } }
  | { type: 'Expire'; data: { id: string } }
  | Pick<MessageOf<typeof Replied>, 'type' | 'data'>;

const FOLLOWS = { Open: 'Opened', Replied: 'Solved', Expire: 'Expired' } as const;

export const ticket = defineAggregate({
  category: 'ticket',
  events,
  ends: ['Solved', 'Expired'],
  initial: 'none',
  idOf: ({ data }: TicketInput) => data.id,
  decide: (status: string, { type, data }: TicketInput) =>
    status === (type === 'Open' ? 'none' : 'open')
      ? [{ type: FOLLOWS[type], data }]
      : ignored(`the ticket is ${status}`),
  evolve: (_: string, { type }: TicketEvent) => (type === 'Opened' ? 'open' : type.toLowerCase()),
});

export const tickets = defineReadModel(ticket, {
  name: 'tickets',
  row: Type.Object({
    id: Uuid,
    status: Type.Enum(['open', 'solved', 'expired']),
    version: Type.Integer(),
    createdAt: DateTime,
    updatedAt: DateTime,
  }),
  hidden: { position: 'bigint' },
  createdBy: 'Opened',
  missing: (id) => kernelErrors.UNEXPECTED(`there is no ticket ${id}`),
}).sets({
  Opened: ({ position }) => ({ status: 'open', position }),
  Solved: () => ({ status: 'solved' }),
  Expired: () => ({ status: 'expired' }),
});

export const ticketMigrations: readonly Migration[] = [
  {
    number: 1,
    name: 'tickets',
    sql: `
      CREATE TABLE tickets (
        id uuid PRIMARY KEY, status text NOT NULL, version integer NOT NULL, created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL, position bigint NOT NULL DEFAULT 0
      );
      CREATE INDEX tickets_open ON tickets (position) WHERE status = 'open'`,
  },
];

/** A ticket expires when nobody has replied in this time. */
export const replyWithin = (limitMs: number): Deadline =>
  defineDeadline({
    aggregate: ticket,
    model: tickets,
    waiting: { status: 'open' },
    answeredBy: [Replied],
    limitMs,
    overdue: (id) => ({ type: 'Expire', data: { id } }),
  });
