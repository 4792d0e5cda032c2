import { describe, expect, it } from '@jest/globals';
import { DateTime, defineAggregate, defineEvent, ignored, Uuid } from '@warren/contracts';
import { createId } from '@warren/kernel';
import { Type } from 'typebox';
import { defineReadModel, type EventStore, type NewEvent, requireColumns } from '../../src/index.ts';
import { toQuery, verbatim } from '../../src/store/sql.ts';
import { newEvent, useStoreFixture } from '../store-fixture.ts';
import { testErrors } from './counter.ts';

const about = { exchange: 'pets', version: 1 };
const events = {
  Adopted: defineEvent({
    ...about,
    type: 'Adopted',
    routingKey: 'adopted',
    schema: Type.Object({ name: Type.String(), tags: Type.Array(Type.String()), weight: Type.Number() }),
  }),
  Renamed: defineEvent({
    ...about,
    type: 'Renamed',
    routingKey: 'renamed',
    schema: Type.Object({ name: Type.String() }),
  }),
  Chipped: defineEvent({
    ...about,
    type: 'Chipped',
    routingKey: 'chipped',
    schema: Type.Object({ chip: Type.Optional(Type.Integer()) }),
  }),
};
const pet = defineAggregate({
  category: 'pet',
  events,
  ends: [],
  initial: null,
  idOf: ({ id }) => id,
  decide: (_: null, _input: { type: string; id: string }) => ignored('only the table matters here'),
  evolve: (state: null) => state,
  contested: (id) => testErrors.COUNTER_CONTESTED(id),
});

const Pet = Type.Object({
  id: Uuid,
  name: Type.String(),
  tags: Type.Array(Type.String()),
  weight: Type.Number(),
  chip: Type.Optional(Type.Integer()),
  chipped: Type.Boolean(),
  version: Type.Integer(),
  createdAt: DateTime,
  updatedAt: DateTime,
});

const pets = defineReadModel(pet, {
  name: 'pets',
  row: Pet,
  hidden: { firstPosition: 'bigint' },
  createdBy: 'Adopted',
  missing: (id) => testErrors.SEAT_TAKEN(id),
}).sets({
  Adopted: ({ data: { name, tags, weight }, position: firstPosition }) => ({
    ...{ name, tags, weight, chipped: false },
    firstPosition,
  }),
  Renamed: ({ data: { name } }) => ({ name }),
  Chipped: ({ data: { chip } }) => ({ chip, chipped: chip !== undefined }),
});

const TABLE = `
  CREATE TABLE pets (id uuid PRIMARY KEY, name text NOT NULL, tags json NOT NULL, weight numeric NOT NULL, chip integer,
    chipped boolean NOT NULL, version integer NOT NULL, first_position bigint NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL)`;

/** An event at a time that tells which one it is. */
const eventAt = (second: number, id: string, type: string, data: unknown): NewEvent =>
  newEvent(0, { type, data, aggregateId: id, timestamp: `2026-11-30T10:00:0${second}.000Z` });

describe('a read model', () => {
  const fixture = useStoreFixture();

  async function open() {
    const opened = await fixture.open({ projections: [pets] });
    await opened.pool.query(TABLE);
    const rows = async () => {
      const query = toQuery(pets.select(verbatim('ORDER BY name')));
      return (await opened.pool.query(query?.text ?? '', query?.values)).rows.map(pets.read);
    };
    return { ...opened, rows };
  }
  const appendTo = (store: EventStore, id: string, expectedVersion: number, added: readonly NewEvent[]) =>
    store.transaction((tx) => tx.append([{ streamId: `pet-${id}`, expectedVersion, events: added }]));
  const lifeOf = (id: string, name: string) => [
    eventAt(1, id, 'Adopted', { name, tags: ['a', 'b'], weight: 2.5 }),
    eventAt(2, id, 'Chipped', { chip: 7 }),
    eventAt(3, id, 'Renamed', { name: `${name}'` }),
    eventAt(4, id, 'Chipped', {}),
  ];
  const atTheEnd = (id: string, name: string) => ({
    ...{ id, name: `${name}'`, tags: ['a', 'b'], weight: 2.5, chipped: false, version: 4 },
    ...{ createdAt: '2026-11-30T10:00:01.000Z', updatedAt: '2026-11-30T10:00:04.000Z' },
  });

  it('when the events of a stream come one by one, in parts, or in one commit, then the row is the same; an absent field is NULL', async () => {
    const { store, rows } = await open();
    const ids = [createId(), createId(), createId()] as const;
    for (const [at, size] of [1, 2, 4].entries()) {
      const id = ids[at] as string;
      const life = lifeOf(id, `n${at}`);
      for (let from = 0; from < life.length; from += size)
        await appendTo(store, id, from, life.slice(from, from + size));
    }
    expect(await rows()).toEqual(ids.map((id, at) => atTheEnd(id, `n${at}`)));
    const hidden =
      'SELECT FROM pets JOIN events e ON e.aggregate_id = pets.id::text WHERE stream_version = 1 AND position = first_position';
    expect((await store.query(hidden)).rowCount).toBe(3);
  });

  it('when events are applied again, all, the first or the last, then nothing changes', async () => {
    const { store, rows } = await open();
    const [one, other] = [createId(), createId()];
    await appendTo(store, one, 0, lifeOf(one, 'one'));
    await appendTo(store, other, 0, lifeOf(other, 'other'));
    const expected = [atTheEnd(one, 'one'), atTheEnd(other, 'other')];
    const log = [...(await store.load([`pet-${one}`, `pet-${other}`])).values()].flat();
    for (const again of [log, log.slice(0, 2), log.slice(-1), log.filter(({ type }) => type !== 'Adopted')]) {
      await store.transaction((tx) => pets.apply(tx, again));
      expect(await rows()).toEqual(expected);
    }
  });

  it('when events of other aggregates are committed with them, then they are passed over', async () => {
    const { store, rows } = await open();
    await store.transaction((tx) =>
      tx.append([{ streamId: 'petrol-1', expectedVersion: 0, events: [newEvent(1, { type: 'Adopted' })] }]),
    );
    expect(await rows()).toEqual([]);
  });

  it('when a commit changes several rows, then its statements are the same whichever row comes first', () => {
    const change = (type: string, data: unknown) => {
      const id = createId();
      return { ...eventAt(1, id, type, data), streamId: `pet-${id}`, streamVersion: 2, position: 1 };
    };
    const changes = [change('Renamed', { name: 'n' }), change('Chipped', { chip: 7 })];
    const textsOf = (some: typeof changes) => pets.writes(some).map((write) => toQuery(write)?.text);
    expect(textsOf(changes.toReversed())).toEqual(textsOf(changes));
  });

  it('when a setter passes on all data of an event, then only the fields of the row are set, and those of the kit are as always', () => {
    const id = createId();
    const spread = defineReadModel(pet, {
      name: 'pets',
      row: Pet,
      createdBy: 'Adopted',
      missing: testErrors.SEAT_TAKEN,
    }).sets({
      Adopted: ({ data }) => ({ ...data, chipped: false }),
      Renamed: ({ data }) => ({ ...data }),
      Chipped: () => ({}),
    });
    const data = { name: 'n', version: 99, updatedAt: 'then', unknown: true };
    const renamed = { ...eventAt(1, id, 'Renamed', data), streamId: `pet-${id}`, streamVersion: 2, position: 1 };
    const [, update] = spread.writes([renamed]).map(toQuery);
    expect(update?.text).toContain('SET name = change.name, updated_at = change.updated_at, version = change.version');
    expect(update?.values).toEqual([[id], ['n'], [renamed.timestamp], [2]]);
    const dated = { ...renamed, data: { ...data, createdAt: 'then' } };
    expect(spread.writes([dated]).map(toQuery)).toEqual([undefined, update]);
    const adopted = { ...dated, type: 'Adopted', streamVersion: 1 };
    expect(spread.writes([adopted, dated]).map((write) => toQuery(write)?.values.at(-2))).toEqual([
      [adopted.timestamp],
    ]);
  });

  it('when its table or one of its columns is missing, then that is said before anything is stored', async () => {
    const { store, pool } = await open();
    await expect(requireColumns(store, [pets])).resolves.toBeUndefined();
    await pool.query('ALTER TABLE pets DROP COLUMN first_position');
    await expect(requireColumns(store, [pets])).rejects.toThrow('the table pets has no column first_position');
    await pool.query('DROP TABLE pets');
    await expect(requireColumns(store, [pets])).rejects.toThrow('the table pets has no column');
  });

  it('when nothing but the first events is known, then they make the row without the database', () => {
    const id = createId();
    const recorded = lifeOf(id, 'n').map((event, at) => ({ ...event, streamVersion: at + 1 }));
    expect(pets.rowOf(recorded)).toEqual(atTheEnd(id, 'n'));
    expect(pets.rowAt(recorded.map(({ streamVersion: sequence, ...event }) => ({ ...event, sequence })))).toEqual(
      atTheEnd(id, 'n'),
    );
    expect(() => pets.rowOf([])).toThrow('its events do not begin with Adopted');
    expect(() => pets.rowOf(recorded.slice(1))).toThrow('its events do not begin with Adopted');
  });
});
