/** What must not compile: `npm run types` fails when one of these lines does. Each fails for the reason that its comment gives. */
import {
  type Decision,
  defineAggregate,
  defineEvent,
  defineNextVersion,
  type EventIn,
  type EventOf,
  ignored,
  type MessageOf,
  messageOf,
  publishedAs,
  type RequestOf,
  request,
} from '@warren/contracts';
import { defineReadModel, type MessageWriter, uniqueClaims } from '@warren/event-store';
import { get, post, strictObject } from '@warren/http';
import { defineErrors, formats, setting } from '@warren/kernel';
import { type Context, defineJob, defineService, on } from '@warren/service';
import { Type } from 'typebox';

const at = { exchange: 'doors', version: 1 };
const Opened = defineEvent({ ...at, type: 'Opened', routingKey: 'opened', schema: Type.Object({ by: Type.String() }) });
const Closed = defineEvent({ ...at, type: 'Closed', routingKey: 'closed', schema: Type.Object({}) });
const events = { Opened, Closed };
type DoorEvent = EventIn<typeof events>;
type DoorInput = { type: 'Open'; id: string; by: string } | { type: 'Close'; id: string };

const { DOOR_NOT_FOUND } = defineErrors({ DOOR_NOT_FOUND: { kind: 'not-found', meaning: 'A test has no such door.' } });
const missing = (id: string) => DOOR_NOT_FOUND(id);
const base = {
  category: 'door',
  initial: 'closed',
  idOf: ({ id }: DoorInput) => id,
  evolve: (_: string, { type }: DoorEvent) => (type === 'Opened' ? 'open' : 'closed'),
  contested: missing,
} as const;
const decide = (state: string, input: DoorInput): Decision<DoorEvent> => ignored(`${state} ${input.type}`);

export const door = defineAggregate({ ...base, events, ends: ['Closed'], decide });

// An event that `decide` returns and the aggregate does not list.
defineAggregate({
  ...base,
  events: { Closed },
  ends: [],
  // @ts-expect-error Opened is not among the events
  decide,
  // @ts-expect-error nor is it for evolve
  evolve: (_: string, { type }: { type: 'Opened' }) => type,
});

// @ts-expect-error a contract is listed under its own type
defineAggregate({ ...base, events: { Opened, Shut: Closed }, ends: [], decide: () => ignored(''), evolve: () => '' });

// @ts-expect-error Shut is no event of it
defineAggregate({ ...base, events, ends: ['Shut'], decide });

// `decide` takes shared values, and nobody says which.
// @ts-expect-error shared is missing
defineAggregate({
  ...base,
  events,
  ends: [],
  decide: (_: string, __: DoorInput, ___: ReadonlyMap<string, string>) => ignored(''),
});

const sharing = defineAggregate({
  ...base,
  events,
  ends: [],
  decide: (_: string, __: DoorInput, ___: ReadonlyMap<string, string>): Decision<DoorEvent> => ignored(''),
  shared: { keysOf: () => [], changes: () => [] },
});

// @ts-expect-error the service does not say where the shared values are
defineService({ name: 'porter', port: 1, aggregates: [sharing] });

defineService({
  name: 'porter',
  port: 1,
  aggregates: [sharing],
  // @ts-expect-error nor does it by naming another category
  shared: { window: uniqueClaims({ table: 't', key: 'k', holder: 'h' }) },
});

export const porter = defineService({
  name: 'porter',
  port: 1,
  aggregates: [sharing],
  shared: { door: uniqueClaims({ table: 't', key: 'k', holder: 'h' }) },
});

const Door = Type.Object({
  ...{ id: Type.String(), open: Type.Boolean(), by: Type.String() },
  ...{ version: Type.Integer(), createdAt: Type.String(), updatedAt: Type.String() },
});
const table = { name: 'doors', row: Door, createdBy: 'Opened', missing } as const;

export const doors = defineReadModel(door, table).sets({
  Opened: ({ data: { by } }) => ({ by, open: true }),
  Closed: () => ({ open: false }),
});

// @ts-expect-error Closed is not handled
defineReadModel(door, table).sets({ Opened: ({ data: { by } }) => ({ by, open: true }) });

defineReadModel(door, table).sets({
  // @ts-expect-error the first event does not set every field
  Opened: () => ({ open: true }),
  Closed: () => ({ open: false }),
});

defineReadModel(door, { ...table, hidden: { position: 'bigint' } }).sets({
  Opened: ({ data: { by }, position }) => ({ by, open: true, position }),
  // @ts-expect-error a position is a number
  Closed: () => ({ position: 'first' }),
});

// @ts-expect-error Created is no event of it
defineReadModel(door, { ...table, createdBy: 'Created' });

// @ts-expect-error the kit keeps id, version, createdAt and updatedAt of each row
defineReadModel(door, { ...table, row: Type.Object({ id: Type.String(), open: Type.Boolean() }) });

export const creating = ({ store }: Context, { id, key, cause }: RequestOf<{ id: string }>) =>
  // @ts-expect-error with a key it has to be said what makes two requests the same
  store.create(door, { type: 'Close', id }, { cause, key });

const open = async ({ store }: Context, { id, by, cause }: RequestOf<{ id: string; by: string }>) => {
  await store.decide(door, { type: 'Open', id, by }, { cause });
  return store.get(doors, id);
};
const body = strictObject({ by: Type.String() });
export const route = post('/doors/:id', { body, answer: Door }, open);

// @ts-expect-error the use case needs `by`, which neither path nor body have
post('/doors/:id', { answer: Door }, open);

// @ts-expect-error the use case answers with a door
post('/doors/:id', { body, answer: Type.Object({ ok: Type.Boolean() }) }, open);

// @ts-expect-error the path has no `name`
get('/doors/:id', { answer: Door }, async ({ store }: Context, { name }) => store.get(doors, name));

export const unknownInput = ({ store }: Context, { id, cause }: RequestOf<{ id: string }>) =>
  // @ts-expect-error nothing is known of a Kick
  store.decide(door, { type: 'Kick', id }, { cause });

// A use case that needs a setting which the service does not have.
const patient = get(
  '/doors',
  { answer: Type.Integer() },
  async ({ settings }: Context<{ patience: number }>) => settings.patience,
);
const settings = {
  patience: setting({ env: 'PATIENCE', doc: 'A test waits.', format: formats.integer(0), default: 1 }),
};
defineService({ name: 'porter', port: 1, aggregates: [door], settings, routes: [patient] });
// @ts-expect-error patience is no setting of this service
defineService({ name: 'porter', port: 1, aggregates: [door], routes: [patient] });

const Knocked = defineEvent({
  ...at,
  type: 'Knocked',
  routingKey: 'knocked',
  schema: Type.Object({ door: Type.String() }),
});
const KnockedV2 = defineNextVersion(Knocked, {
  version: 2,
  schema: Type.Object({ door: Type.String(), loud: Type.Boolean() }),
  upcast: ({ door }) => ({ door, loud: false }),
});
const visitor = defineAggregate({
  category: 'visitor',
  events: { Opened },
  ends: [],
  initial: 0,
  idOf: ({ data }) => data.door,
  decide: (_: number, message: MessageOf<typeof KnockedV2>) => ignored(message.data.door),
  evolve: (count: number) => count + 1,
});
const counting: MessageWriter<EventOf<typeof Knocked>> = { logAs: 'knocked', writes: () => [] };
export const listening = [on(KnockedV2, visitor), on(Knocked, counting, { queue: 'knocks' })];

// @ts-expect-error a visitor does not listen to this event
on(Opened, visitor);

// @ts-expect-error nor to this version of it
on(Knocked, visitor);

const opening: MessageWriter<EventOf<typeof Opened>> = { logAs: 'opened', writes: () => [] };
// @ts-expect-error the writer takes other messages
on(KnockedV2, opening);

// @ts-expect-error several contracts flow into a queue that has a name
on([Knocked, Opened], () => ignored('nobody is in'));

interface Gong {
  strike(): void;
}
const chimes = (message: EventOf<typeof Opened | typeof Closed>, { gong }: Context & { gong: Gong }) => {
  gong.strike();
  return message.type === 'Opened' ? request(door, { type: 'Close', id: message.id }) : [];
};
export const quiet = on([Opened, Closed], chimes, { queue: 'doors' });

// @ts-expect-error the handler takes other messages
on(Knocked, chimes);

// @ts-expect-error nothing is known of a Kick
request(door, { type: 'Kick', id: '1' });

// What a job, a handler or a use case needs and nobody provides.
const hourly = defineJob({
  name: 'hourly',
  everyMs: 3_600_000,
  run: async ({ gong }: { gong: Gong }) => gong.strike(),
});
const ring = post('/ring', { answer: Type.Object({}) }, async ({ gong }: Context & { gong: Gong }) => {
  gong.strike();
  return {};
});
const house = { name: 'porter', port: 1, aggregates: [door] } as const;
const dependencies = () => ({ gong: { strike: () => undefined, stop: () => undefined } });
defineService({ ...house, dependencies, jobs: [hourly], on: [quiet], routes: [ring] });
const slow = defineJob({
  name: 'slow',
  everyMs: ({ settings: { patience } }: Context<{ patience: number }>) => patience,
  run: async () => undefined,
});
defineService({
  ...house,
  settings,
  dependencies: ({ settings: { patience } }: Context<{ patience: number }>) => ({ gong: { strike: () => patience } }),
  jobs: [hourly, slow],
});
// @ts-expect-error nobody provides a gong for the job
defineService({ ...house, jobs: [hourly] });
// @ts-expect-error nor for the handler
defineService({ ...house, on: [quiet] });
// @ts-expect-error nor for the use case
defineService({ ...house, routes: [ring] });
// @ts-expect-error what is provided is no gong
defineService({ ...house, dependencies: () => ({ gong: {} }), jobs: [hourly] });
const patientParts = ({ settings: { patience } }: Context<{ patience: number }>) => ({ patience });
// @ts-expect-error patience is no setting of this service, which a dependency reads
defineService({ ...house, dependencies: patientParts });

const whenPatient = on(Opened, chimes, {
  queue: 'doors',
  when: ({ settings: { patience } }: Context<{ patience: number }> & { gong: Gong }) => patience > 1,
});
defineService({
  ...house,
  settings,
  dependencies,
  on: [whenPatient],
  routes: ({ patience }) => [ring].slice(patience),
});
// @ts-expect-error patience is no setting of this service
defineService({ ...house, dependencies, on: [whenPatient] });

// @ts-expect-error Knocked is no event of it
defineService({ ...house, recordAs: () => ({ Knocked: 1 }) });

// @ts-expect-error a message of Opened says by whom
publishedAs(Type.Object({}), [Opened], () => [messageOf(Opened, {})]);
// @ts-expect-error Closed is not among what others hear
publishedAs(Type.Object({}), [Opened], () => [messageOf(Closed, {})]);
