import { describe, expect, it } from '@jest/globals';
import { Sold, sale } from '@warren/testing';
import { causeOf, createEvent } from '../src/index.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const sold = (more: object = {}) =>
  createEvent(Sold, { aggregateId: sale.id, data: { ...sale, currency: 'EUR' }, source: 'sale', ...more });

describe('createEvent', () => {
  it('when an event follows from a message, then it inherits the correlation and trace, and its causation id is the message id', () => {
    const cause = sold({ correlationId: 'request', metadata: { traceparent, tracestate: 'a=1', tenant: 't' } });
    const { metadata } = sold({ causedBy: cause });
    const expected = { correlationId: 'request', causationId: cause.id, traceparent, tracestate: 'a=1' };
    expect(metadata).toEqual({ ...expected, source: 'sale' });
    expect(causeOf(cause)).toEqual(expected);
  });

  it('when an event begins a chain, then its causation id is its correlation id', () => {
    const { correlationId, causationId } = sold().metadata;
    expect(causationId).toBe(correlationId);
  });

  it('when the cause has no trace context, as in release 0.1, then the event belongs to no trace', () => {
    for (const metadata of [{}, { traceparent: 'nonsense', tracestate: 'a=1' }, { traceparent: 5 }]) {
      const followed = sold({ causedBy: sold({ metadata }) });
      expect(Object.keys(followed.metadata).toSorted()).toEqual(['causationId', 'correlationId', 'source']);
    }
  });
});
