import { describe, expect, it } from '@jest/globals';
import { Sold, sale } from '@warren/testing';
import { Type } from 'typebox';
import { createCatalogue, createEvent, defineEvent } from '../src/index.ts';

const catalogue = createCatalogue([Sold]);
const sold = { ...sale, currency: 'USD' };
const event = createEvent(Sold, { aggregateId: sale.id, data: sold, source: 'sale' });

function codeOf(value: unknown): unknown {
  try {
    catalogue.parse(value);
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('createCatalogue', () => {
  it('when an event matches its contract, then it is returned unchanged', () => {
    expect(catalogue.parse(event)).toBe(event);
  });

  it('when an event has unknown fields, in the envelope, the data or deeper, then they are ignored', () => {
    const newer = { ...event, trace: 1, data: { ...sold, gift: true, items: [{ ...sold.items[0], colour: 'red' }] } };
    expect(codeOf(newer)).toBe('accepted');
  });

  it.each([
    ['null', null, 'ENVELOPE_INVALID'],
    ['an array', [event], 'ENVELOPE_INVALID'],
    ['an envelope without id', { ...event, id: undefined }, 'ENVELOPE_INVALID'],
    ['an id that is no UUID', { ...event, id: 'evt_1' }, 'ENVELOPE_INVALID'],
    ['an envelope without metadata', { ...event, metadata: undefined }, 'ENVELOPE_INVALID'],
    ['a timestamp that is none', { ...event, timestamp: 'yesterday' }, 'ENVELOPE_INVALID'],
    ['a version that is text', { ...event, version: '1' }, 'ENVELOPE_INVALID'],
    ['a type of Object.prototype', { ...event, type: '__proto__' }, 'EVENT_TYPE_UNKNOWN'],
    ['an unknown type', { ...event, type: 'Eaten' }, 'EVENT_TYPE_UNKNOWN'],
    ['an unknown version', { ...event, version: 99 }, 'EVENT_VERSION_UNKNOWN'],
    ['data of another shape', { ...event, data: { ...sold, items: [] } }, 'EVENT_DATA_INVALID'],
    ['data with a NUL character', { ...event, data: { ...sold, customerId: 'a\u0000' } }, 'EVENT_DATA_INVALID'],
    ['data with half a surrogate pair', { ...event, data: { ...sold, customerId: '\ud83d' } }, 'EVENT_DATA_INVALID'],
  ])('when it parses %s, then it throws', (_, value, code) => {
    expect(codeOf(value)).toBe(code);
  });

  it('when data has several faults, then all are listed with their paths', () => {
    const broken = { ...event, data: { ...sold, customerId: '', items: [{ productId: 'x', quantity: 0 }] } };
    expect(() => catalogue.parse(broken)).toThrow(
      expect.objectContaining({
        details: {
          faults: [
            { path: '/data/customerId', message: 'must be 1 to 128 characters without control characters' },
            { path: '/data/items/0/quantity', message: 'must be >= 1' },
          ],
        },
      }),
    );
  });

  it('when two contracts have the same type and version, then creating the catalogue throws', () => {
    const twice = defineEvent({ type: 'A', version: 1, exchange: 'a', routingKey: 'a', schema: Type.Object({}) });
    expect(() => createCatalogue([twice, twice])).toThrow('A v1 is declared twice');
  });
});

describe('createEvent', () => {
  it('when an event follows from another, then it inherits its correlation id and names it as the cause', () => {
    const answer = createEvent(Sold, { aggregateId: 'o-2', data: sold, source: 'test', causedBy: event });
    expect(answer.metadata).toMatchObject({ correlationId: event.metadata.correlationId, causationId: event.id });
  });

  it('when an event is the first of a chain, then its causation id is its correlation id', () => {
    const first = createEvent(Sold, { aggregateId: 'o', data: sold, source: 'test', correlationId: 'req-1' });
    expect(first.metadata).toEqual({ correlationId: 'req-1', causationId: 'req-1', source: 'test' });
  });
});
