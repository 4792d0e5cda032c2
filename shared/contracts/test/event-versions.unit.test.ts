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

describe('an event with several versions', () => {
  it('when an event of the first version is parsed, then it is upcast to the latest, and nothing else changes', () => {
    const event = moved('Main Street 1, Springfield');
    expect(catalogue.parse(event)).toEqual({
      ...event,
      version: 3,
      data: { street: 'Main Street 1', town: 'Springfield', country: 'unknown' },
    });
    expect(event).toMatchObject({ version: 1, data: { address: 'Main Street 1, Springfield' } });
  });

  it('when an event of the latest version is parsed, then the same object is returned', () => {
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
    'when only %s are accepted, then an event of the first version is upcast no further than necessary',
    (_, accepted, version) => {
      expect(catalogue.parse(moved('a, b'), accepted).version).toBe(version);
    },
  );

  it('when a catalogue lists several versions, then each is returned unchanged', () => {
    const both = createCatalogue<EventContract>([UserMoved, UserMovedV1]);
    const event = moved('a, b');
    expect(both.parse(event)).toBe(event);
  });

  it('when an event does not match its own version, then the error names that version', () => {
    const event = { ...moved('a, b'), data: { street: 's', town: 't', country: 'c' } };
    expect(() => catalogue.parse(event)).toThrow('invalid data for UserMoved v1');
  });

  it('when an upcaster returns invalid data, then the event is rejected instead of delivered', () => {
    expect(() => catalogue.parse(moved('nowhere'))).toThrow('invalid data for UserMoved v3: /data/town');
  });

  it('when a version is unknown, newer or older than all known ones, then it is rejected', () => {
    const withoutFirst = createCatalogue([defineEvent({ ...UserMoved, previous: undefined })]);
    expect(() => withoutFirst.parse(moved('a, b'))).toThrow('unknown version 1 of UserMoved');
    expect(() => catalogue.parse({ ...moved('a, b'), version: 4 })).toThrow('unknown version 4 of UserMoved');
  });

  it('when an earlier version is looked up, then it is found, so that an old log can still be published', () => {
    expect([1, 2, 3, 4].map((version) => catalogue.find('UserMoved', version))).toEqual([
      ...[UserMovedV1, UserMovedV2, UserMoved, undefined],
    ]);
  });

  it.each([1, 3])('when version %i is declared as the successor of version 1, then declaring it throws', (version) => {
    const next = { version, schema: UserMovedV2.schema, upcast: () => ({ street: '', town: '' }) };
    expect(() => defineNextVersion(UserMovedV1, next)).toThrow(`UserMoved v${version} cannot follow v1`);
  });
});
