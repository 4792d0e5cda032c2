import {
  type Decision,
  defineAggregate,
  defineEvent,
  defineNextVersion,
  type EventIn,
  type EventOf,
} from '@warren/contracts';
import { defineReadModel } from '@warren/event-store';
import { AppError } from '@warren/kernel';
import { defineService, on } from '@warren/service';
import { Type } from 'typebox';

const Named = Type.Object({ name: Type.String(), language: Type.String() });

const GreetingWanted = defineEvent({
  type: 'GreetingWanted',
  version: 1,
  exchange: 'greetings',
  routingKey: 'greeting.wanted',
  schema: Named,
});

const GreetedV1 = defineEvent({
  type: 'Greeted',
  version: 1,
  exchange: 'greetings',
  routingKey: 'greeted',
  schema: Type.Object({ name: Type.String() }),
});

const Greeted = defineNextVersion(GreetedV1, {
  version: 2,
  schema: Named,
  upcast: ({ name }) => ({ name, language: 'en' }),
});

interface Greeting {
  names: readonly string[];
  language?: string;
}
const initial: Greeting = { names: [] };
const events = { Greeted };

const greeting = defineAggregate({
  category: 'greeting',
  events,
  ends: [],
  initial,
  idOf: ({ data }) => data.name,
  decide: (
    _state: Greeting,
    { data }: Pick<EventOf<typeof GreetingWanted>, 'type' | 'data'>,
  ): Decision<EventIn<typeof events>> => [{ type: 'Greeted', data }],
  evolve: ({ names }, { data }): Greeting => ({ names: [...names, data.name], language: data.language }),
});

const Row = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  version: Type.Integer(),
  createdAt: Type.String({ format: 'date-time' }),
  updatedAt: Type.String({ format: 'date-time' }),
});

const greetings = defineReadModel(greeting, {
  name: 'greetings',
  row: Row,
  createdBy: 'Greeted',
  missing: (id) =>
    new AppError({ code: 'GREETING_NOT_FOUND', kind: 'not-found', message: `there is no greeting ${id}` }),
}).sets({ Greeted: ({ data: { name } }) => ({ name }) });

const TABLE = `CREATE TABLE greetings (
  id uuid PRIMARY KEY, name text NOT NULL, version integer NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL)`;

/** A service that somebody has added: the command line knows it by its folder alone. */
export const greetingService = defineService({
  name: 'greeting',
  port: 3050,
  aggregates: [greeting],
  projections: [greetings],
  on: [on(GreetingWanted, greeting)],
  migrations: [{ number: 1, name: 'greetings', sql: TABLE }],
});
