import { expect, test } from '@jest/globals';
import { defineAggregate, defineEvent, ignored, internalEvent, messageOf, publishedAs } from '@warren/contracts';
import { createId, deriveId } from '@warren/kernel';
import { Type } from 'typebox';
import { type RecordedEvent, toWireOf } from '../../src/index.ts';

const schema = Type.Object({ n: Type.Integer() });
const about = { exchange: 'lamps', version: 1, schema };
const Lit = defineEvent({ ...about, type: 'Lit', routingKey: 'lit' });
const Shone = defineEvent({ ...about, type: 'Shone', routingKey: 'shone' });
const Warmed = defineEvent({ ...about, type: 'Warmed', routingKey: 'warmed' });
const lamp = defineAggregate({
  category: 'lamp',
  events: {
    Lit,
    Burned: publishedAs(schema, [Shone, Warmed], ({ data: { n }, timestamp }) => [
      messageOf(Shone, { n: n + timestamp.length }),
      messageOf(Warmed, { n }),
    ]),
    Dusted: internalEvent(schema),
  },
  ends: [],
  initial: 0,
  idOf: ({ id }) => id,
  decide: (_: number, { id }: { type: 'Light'; id: string }) => ignored(id),
  evolve: (count: number) => count + 1,
});
const toWire = toWireOf([lamp]);

const recorded = (type: string, more: Partial<RecordedEvent> = {}): RecordedEvent => ({
  ...{ id: createId(), type, version: 1, timestamp: '2026-11-30T10:00:00.000Z', aggregateId: 'a', data: { n: 1 } },
  metadata: { correlationId: 'c', causationId: 'c', source: 'test' },
  ...{ routingKey: 'key', position: 1, streamId: 'lamp-a', streamVersion: 1 },
  ...more,
});

test('when the event is one of a contract, then it goes out as it was recorded, in whatever version', () => {
  const { routingKey, position, streamId, streamVersion, ...envelope } = recorded('Lit', { version: 7 });
  expect(toWire({ ...envelope, routingKey, position, streamId, streamVersion })).toEqual([envelope]);
});

test('when others hear of it in another shape, then each message has an id that is the same at every call', () => {
  const event = recorded('Burned');
  const { timestamp, aggregateId, metadata } = event;
  const common = { version: 1, timestamp, aggregateId, metadata };
  expect(toWire(event)).toEqual([
    { ...common, id: event.id, type: 'Shone', data: { n: 25 } },
    { ...common, id: deriveId(event.id, 'Warmed'), type: 'Warmed', data: { n: 1 } },
  ]);
});

test('when it stays inside, then nothing goes out; when it is not known, then it is not published as something else', () => {
  expect(toWire(recorded('Dusted'))).toEqual([]);
  expect(() => toWire(recorded('Stolen'))).toThrow('an event Stolen');
  expect(() => toWire(recorded('Burned', { version: 2 }))).toThrow('v2 of Burned');
  expect(() => toWire(recorded('Lit', { streamId: 'candle-a' }))).toThrow('candle-a');
});
