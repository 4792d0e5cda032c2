import { describe, expect, it } from '@jest/globals';
import { Sold } from '@warren/testing';
import { Type } from 'typebox';
import { createCatalogue, createEvent, defineEvent, defineNextVersion, type EventContract } from '../src/index.ts';

const UserMovedV1 = defineEvent({
  type: 'UserMoved',
  version: 1,
  exchange: 'users',
  routingKey: 'user.moved',
  schema: Type.Object({ address: Type.String() }),
});
const UserMovedV2 = defineNextVersion(UserMovedV1, {
  version: 2,
  schema: Type.Object({ street: Type.String(), town: Type.String() }),
  upcast: ({ address }) => ({ street: address.split(', ')[0] ?? '', town: address.split(', ')[1] ?? '' }),
});
const UserMoved = defineNextVersion(UserMovedV2, {
  version: 3,
  schema: Type.Object({ street: Type.String(), town: Type.String({ minLength: 1 }), country: Type.String() }),
  upcast: (data) => ({ ...data, country: 'unknown' }),
});
const catalogue = createCatalogue([UserMoved]);

const moved = (address: string) =>
  createEvent(UserMovedV1, { aggregateId: 'u-1', source: 'test', data: { address }, metadata: { trace: 1 } });

describe('an event of several versions', () => {
  it('when an event of the first version is parsed, then it is given as the latest, and nothing else of it changes', () => {
    const event = moved('Main Street 1, Springfield');
    expect(catalogue.parse(event)).toEqual({
      ...event,
      version: 3,
      data: { street: 'Main Street 1', town: 'Springfield', country: 'unknown' },
    });
    expect(event).toMatchObject({ version: 1, data: { address: 'Main Street 1, Springfield' } });
  });

  it('when an event of the latest version is parsed, then it is given back itself', () => {
    const data = { street: 's', town: 't', country: 'c' };
    const event = createEvent(UserMoved, { aggregateId: 'u-1', source: 'test', data });
    expect(catalogue.parse(event)).toBe(event);
  });

  it.each<[string, EventContract[], number]>([
    ['the first', [UserMovedV1], 1],
    ['the second', [UserMovedV2], 2],
    ['the first and the last', [UserMoved, UserMovedV1], 1],
    ['the second and the last', [UserMoved, UserMovedV2], 2],
    ['those of other events', [Sold], 3],
  ])(
    'when only %s are accepted, then an event of the first is upcast no further than it must',
    (_, accepted, version) => {
      expect(catalogue.parse(moved('a, b'), accepted).version).toBe(version);
    },
  );

  it('when a catalogue lists several versions, then each is given as it is', () => {
    const both = createCatalogue<EventContract>([UserMoved, UserMovedV1]);
    const event = moved('a, b');
    expect(both.parse(event)).toBe(event);
  });

  it('when an event is not what its own version states, then it is refused as that version', () => {
    const event = { ...moved('a, b'), data: { street: 's', town: 't', country: 'c' } };
    expect(() => catalogue.parse(event)).toThrow('not that of UserMoved v1');
  });

  it('when an upcaster cannot make the latest version of it, then it is refused instead of handed over', () => {
    expect(() => catalogue.parse(moved('nowhere'))).toThrow('not that of UserMoved v3: /data/town');
  });

  it('when a version is unknown, then it is refused, be it newer than all or older', () => {
    const withoutFirst = createCatalogue([defineEvent({ ...UserMoved, previous: undefined })]);
    expect(() => withoutFirst.parse(moved('a, b'))).toThrow('version 1 of UserMoved is not known');
    expect(() => catalogue.parse({ ...moved('a, b'), version: 4 })).toThrow('version 4 of UserMoved is not known');
  });

  it('when an earlier version is looked for, then it is found, so that an old log can still be published', () => {
    expect([1, 2, 3, 4].map((version) => catalogue.find('UserMoved', version))).toEqual([
      ...[UserMovedV1, UserMovedV2, UserMoved, undefined],
    ]);
  });

  it.each([1, 3])('when version %i is to follow the first, then it is refused', (version) => {
    const next = { version, schema: UserMovedV2.schema, upcast: () => ({ street: '', town: '' }) };
    expect(() => defineNextVersion(UserMovedV1, next)).toThrow(`UserMoved v${version} cannot follow v1`);
  });
});
