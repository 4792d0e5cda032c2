import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { createEvent } from '@warren/contracts';
import { readTraceContext } from '@warren/kernel';
import { type SpanCollector, startSpanCollector, waitUntil } from '@warren/testing';
import { encodeEvent } from '../src/event-codec.ts';
import { endSend, startSend } from '../src/message-spans.ts';
import { createMemoryHarness } from './bus-harness.ts';
import { type ShopEvent, useBusSuite } from './bus-suite-fixture.ts';
import { Placed, placed, Renamed } from './shop-events.ts';

const suite = useBusSuite(createMemoryHarness);
let collector: SpanCollector;
beforeEach(async () => {
  collector = await startSpanCollector();
});
afterEach(() => collector.stop());

const ended = (count: number) =>
  waitUntil(() => (collector.spans().length >= count ? collector.spans() : undefined), { what: `${count} spans` });
const spanOf = (name: string) => collector.spans().find((span) => span.name === name);
const inTrace = (digit: string): ShopEvent => {
  const event = placed();
  const traceparent = `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;
  return { ...event, metadata: { ...event.metadata, traceparent } };
};

describe('the spans of messages', () => {
  test('when an event is published and handled, then both have a span, one under the other, named by the conventions', async () => {
    const bus = await suite.serving(async () => undefined);
    const event = inTrace('a');
    await bus.publish(event);
    await ended(2);
    const common = {
      'messaging.system': 'rabbitmq',
      'messaging.message.id': event.id,
      'messaging.message.conversation_id': event.metadata.correlationId,
      'messaging.rabbitmq.destination.routing_key': 'shop.placed',
      'warren.event.type': 'Placed',
    };
    const send = spanOf('send shop:shop.placed');
    const process = spanOf(`process shop:shop.placed:${suite.queue}`);
    expect(send).toMatchObject({
      kind: SpanKind.PRODUCER,
      parentSpanContext: { traceId: 'a'.repeat(32), spanId: 'a'.repeat(16) },
      attributes: {
        ...common,
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'shop:shop.placed',
      },
    });
    const { traceId, spanId } = send?.spanContext() ?? {};
    expect(process).toMatchObject({
      kind: SpanKind.CONSUMER,
      parentSpanContext: { traceId, spanId, isRemote: true },
      links: [{ context: { traceId, spanId }, attributes: { 'messaging.message.id': event.id } }],
      attributes: {
        ...common,
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': `shop:shop.placed:${suite.queue}`,
      },
    });
    expect(process?.attributes).not.toHaveProperty('messaging.batch.message_count');
  });

  test("when a handler publishes an event, then its span is a child of the handler's span, in the same trace", async () => {
    const follow = (causedBy: ShopEvent) =>
      createEvent(Renamed, { aggregateId: 'shop-1', data: { name: 'x' }, source: 'shop', causedBy });
    const bus = await suite.serving(async (event) => {
      if (event.type === 'Placed') await bus.publish(follow(event));
    });
    await bus.publish(inTrace('b'));
    await ended(4);
    const process = spanOf(`process shop:shop.placed:${suite.queue}`)?.spanContext();
    expect(spanOf('send shop:shop.renamed')?.parentSpanContext).toMatchObject({ spanId: process?.spanId });
    expect(new Set(collector.spans().map((span) => span.spanContext().traceId))).toEqual(new Set(['b'.repeat(32)]));
  });

  test('when several events are handled as a batch, then its one span links to each, and each stays in its own trace', async () => {
    const traces: unknown[] = [];
    let calls = 0;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = () => resolve();
    });
    const bus = suite.harness.bus();
    await bus.connect();
    await bus.subscribe({
      queue: suite.queue,
      bindings: [Placed, Renamed],
      batchHandler: async (deliveries) => {
        calls += 1;
        await held;
        if (deliveries.length > 1) traces.push(...deliveries.map(({ event }) => readTraceContext(event.metadata)));
      },
    });
    await bus.publish(inTrace('c'));
    await waitUntil(() => calls === 1, { what: 'the first batch' });
    const others = [inTrace('d'), inTrace('e')];
    await Promise.all(others.map((event) => bus.publish(event)));
    release();
    await ended(5);
    const sent = collector.spans().filter(({ kind }) => kind === SpanKind.PRODUCER);
    const contexts = sent.map((span) => span.spanContext());
    const batch = collector.spans().find(({ attributes }) => attributes['messaging.batch.message_count'] === 2);
    expect(batch?.parentSpanContext).toBeUndefined();
    expect(batch?.attributes).not.toHaveProperty('messaging.message.id');
    expect(batch?.links.map(({ context }) => context.spanId)).toEqual(contexts.slice(1).map(({ spanId }) => spanId));
    const carried = contexts.slice(1).map(({ traceId, spanId }) => ({ traceparent: `00-${traceId}-${spanId}-01` }));
    expect(traces).toEqual(carried);
    expect(contexts.map(({ traceId }) => traceId[0])).toEqual(['c', 'd', 'e']);
  });

  test('when a handler fails and is retried, then each attempt has a span under the send span, the failed one with its code', async () => {
    let tries = 0;
    const bus = await suite.serving(async () => {
      tries += 1;
      if (tries === 1) throw new Error('not yet');
    });
    await bus.publish(placed());
    await ended(3);
    const [failed, succeeded] = collector.spans().filter(({ kind }) => kind === SpanKind.CONSUMER);
    const sending = spanOf('send shop:shop.placed')?.spanContext().spanId;
    expect([failed?.parentSpanContext?.spanId, succeeded?.parentSpanContext?.spanId]).toEqual([sending, sending]);
    expect(failed).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: 'not yet' },
      attributes: { 'error.type': 'UNEXPECTED' },
    });
    expect(succeeded?.status.code).toBe(SpanStatusCode.UNSET);
  });

  test('when the broker does not accept an event, then its send span has the outcome', () => {
    const event = placed();
    const { span } = startSend(event, encodeEvent(event, Placed, true));
    endSend(span as Span, { status: 'returned', reason: 'no queue wants it' });
    expect(collector.spans()[0]).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: 'no queue wants it' },
      attributes: { 'error.type': 'returned' },
    });
  });
});
