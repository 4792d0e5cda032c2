import { describe, expect, it } from '@jest/globals';
import { parentContext, readTraceContext, toSpanContext } from '@warren/kernel';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const traceparent = `00-${traceId}-${spanId}-01`;

describe('readTraceContext', () => {
  it('when the trace context is valid, then it is kept unchanged', () => {
    expect(readTraceContext({ traceparent, tracestate: 'a=1,b@c=2', more: 1 })).toEqual({
      traceparent,
      tracestate: 'a=1,b@c=2',
    });
    expect(readTraceContext({ traceparent })).toEqual({ traceparent });
  });

  it.each([
    ['nothing', undefined],
    ['no text', 5],
    ['several of them', `${traceparent}, ${traceparent}`],
    ['capitals', traceparent.toUpperCase()],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['a span id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['the forbidden version', `ff${traceparent.slice(2)}`],
    ['more than version 00 allows', `${traceparent}-more`],
    ['one digit too few', traceparent.slice(1)],
    ['a trailing line break', `${traceparent}\n`],
  ])('when the traceparent is %s, then there is no trace context, whatever the tracestate', (_, given) => {
    expect(readTraceContext({ traceparent: given, tracestate: 'a=1' })).toEqual({});
  });

  it('when the traceparent is of a later version, then it is read as the version 00 that it starts with', () => {
    expect(readTraceContext({ traceparent: `cc${traceparent.slice(2)}-more` })).toEqual({ traceparent });
  });

  it.each([
    ['is no text', ['a=1'], undefined],
    ['is too long', `a=${'1'.repeat(600)}`, undefined],
    ['has a member that is malformed', 'a=1, ,B=2,c', 'a=1'],
  ])('when the tracestate %s, then only its valid members are kept', (_, given, expected) => {
    expect(readTraceContext({ traceparent, tracestate: given }).tracestate).toBe(expected);
  });
});

describe('toSpanContext', () => {
  it('when there is a trace context, then it names a remote span; without one there is none', () => {
    const context = toSpanContext({ traceparent, tracestate: 'a=1' });
    expect(context).toMatchObject({ traceId, spanId, traceFlags: 1, isRemote: true });
    expect(context?.traceState?.serialize()).toBe('a=1');
    expect(toSpanContext({})).toBeUndefined();
    expect(parentContext({})).toBe(parentContext({}));
  });
});
