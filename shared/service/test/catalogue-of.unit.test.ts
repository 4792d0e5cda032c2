import { expect, test } from '@jest/globals';
import { defineEvent, defineNextVersion, internalEvent, systemEvents } from '@warren/contracts';
import { on } from '@warren/service';
import { Type } from 'typebox';
import { catalogueOf, exchangesOf } from '../src/catalogue-of.ts';

const eventOf = <const Name extends string>(type: Name, exchange = 'bells') =>
  defineEvent({ type, version: 1, exchange, routingKey: type.toLowerCase(), schema: Type.Object({}) });
const Hung = eventOf('Hung');
const RungV1 = eventOf('Rung');
const Rung = defineNextVersion(RungV1, { version: 2, schema: Type.Object({}), upcast: () => ({}) });
const Struck = eventOf('Struck', 'clocks');
const Heard = internalEvent(Type.Object({}));
const writer = { writes: [], handle: async () => undefined } as never;
const service: Parameters<typeof catalogueOf>[0] = {
  aggregates: [{ events: { Hung, Heard } }, { events: { Rung } }],
  on: [on(Struck, writer), on(Rung, writer)],
};

test('when a service is declared, then its catalogue has what it publishes, what it consumes and the system events, each once', () => {
  const { contracts, find } = catalogueOf(service);
  expect(contracts).toEqual([Hung, Rung, Struck, ...systemEvents]);
  expect(find('Rung', 1)).toBe(RungV1);
});

test('when a service reads a stream, then its catalogue has the events it reads there, and it publishes none of them', () => {
  const reader = { aggregates: [{ events: { Hung } }], reads: [{ contracts: [Struck, Hung] }] };
  expect(catalogueOf(reader).contracts).toEqual([Hung, Struck, ...systemEvents]);
  expect(exchangesOf(reader)).toEqual(['bells']);
});

test('when a service neither consumes nor publishes, then its catalogue has the system events', () => {
  expect(catalogueOf({ aggregates: [{ events: { Heard } }] }).contracts).toEqual([...systemEvents]);
});

test('when a service is declared, then it publishes to the exchanges of its aggregates, not to those that it consumes from', () => {
  expect(exchangesOf(service)).toEqual(['bells']);
});
