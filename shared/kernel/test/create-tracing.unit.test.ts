import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Span } from '@opentelemetry/api';
import { activeTracer, contextOf, createLogger, createTracing, inSpan, parentContext } from '@warren/kernel';
import { type OtlpReceiver, startOtlpReceiver, startSpanCollector } from '@warren/testing';

let receiver: OtlpReceiver;
let logged: Record<string, unknown>[];

beforeEach(async () => {
  logged = [];
  receiver = await startOtlpReceiver();
});
afterEach(() => receiver.close());

function tracingTo(endpoint: string) {
  const destination = new PassThrough().on('data', (line: Buffer) => logged.push(JSON.parse(line.toString())));
  const logger = createLogger({ service: 'test', level: 'warn', destination });
  return createTracing({ service: 'test', endpoint, logger });
}

function startSpan(name: string, parent = parentContext({})): Span {
  const span = activeTracer()?.startSpan(name, {}, parent);
  if (!span) throw new Error('nobody records spans');
  return span;
}

describe('createTracing', () => {
  it('when there is an endpoint, then the spans of the process are exported by the time it has stopped, and no more are recorded', async () => {
    const tracing = tracingTo(`${receiver.endpoint}/`);
    await tracing.start?.();
    const outer = startSpan('outer');
    const parent = parentContext(contextOf(outer));
    await inSpan(startSpan('inner', parent), parent, async () => undefined);
    outer.end();
    await tracing.stop?.();

    const { traceId, spanId } = outer.spanContext();
    expect(receiver.spans()).toMatchObject([
      { service: 'test', name: 'inner', traceId, parentSpanId: spanId },
      { service: 'test', name: 'outer', traceId, spanId },
    ]);
    expect(activeTracer()).toBeUndefined();
    expect(logged).toEqual([]);
  });

  it('when there is no endpoint, then no spans are recorded', async () => {
    const tracing = tracingTo('');
    await tracing.start?.();
    expect(activeTracer()).toBeUndefined();
    await tracing.stop?.();
  });

  it('when the program has set up an SDK itself, then that SDK receives the spans, even after the stop', async () => {
    const collector = await startSpanCollector();
    const tracing = tracingTo(receiver.endpoint);
    await tracing.start?.();
    await tracing.stop?.();
    startSpan('its own').end();
    expect(collector.spans().map(({ name }) => name)).toEqual(['its own']);
    await collector.stop();
    expect(receiver.spans()).toEqual([]);
  });

  it('when the work of a span fails, then the span carries the error code, and the error is rethrown', async () => {
    const tracing = tracingTo(receiver.endpoint);
    await tracing.start?.();
    const failing = inSpan(startSpan('failing'), parentContext({}), () => Promise.reject(new Error('broken')));
    await expect(failing).rejects.toThrow('broken');
    await tracing.stop?.();
    expect(receiver.spans()).toMatchObject([
      { status: { message: 'broken' }, attributes: [{ key: 'error.type', value: { stringValue: 'UNEXPECTED' } }] },
    ]);
  });

  it('when the receiver does not answer, then the stop succeeds within its time limit and logs a warning', async () => {
    receiver.mute();
    const tracing = tracingTo(receiver.endpoint);
    await tracing.start?.();
    startSpan('lost').end();
    await tracing.stop?.();
    expect(logged).toContainEqual(expect.objectContaining({ msg: 'the last spans were not exported in time' }));
    expect(activeTracer()).toBeUndefined();
  });
});
