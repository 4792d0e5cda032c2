import { type Attributes, type Link, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { EventEnvelope, PublishOutcome } from '@warren/contracts';
import { activeTracer, contextOf, inSpan, parentContext, readTraceContext, toSpanContext } from '@warren/kernel';
import type { DeliveryContext } from './consume/subscription.ts';
import type { Headers } from './header-table.ts';
import type { OutgoingMessage } from './message.ts';

// Names and values follow the semantic conventions for messaging, including those for RabbitMQ:
// https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/

/** A message passed to its handler. */
export interface HandledMessage {
  event: EventEnvelope;
  context: DeliveryContext;
}

/** A message being sent, and its span. */
export interface Sending {
  message: OutgoingMessage;
  /** `undefined` while no spans are recorded. */
  span: Span | undefined;
}

/** Starts the send span of an event, as a child of the span in the event's metadata, and puts its context into the message headers. */
export function startSend(event: EventEnvelope, message: OutgoingMessage): Sending {
  const tracer = activeTracer();
  if (!tracer) return { message, span: undefined };
  const { exchange, routingKey } = message;
  const destination = `${exchange}:${routingKey}`;
  const attributes = { ...operation('send', destination), ...routed(routingKey), ...identified(event) };
  const parent = parentContext(readTraceContext(event.metadata));
  const span = tracer.startSpan(`send ${destination}`, { kind: SpanKind.PRODUCER, attributes }, parent);
  message.properties.headers = { ...contextOf(span) };
  return { message, span };
}

/** Ends the span of {@link startSend} with the outcome. */
export function endSend(span: Span, outcome: PublishOutcome): void {
  if (outcome.status !== 'confirmed') {
    span.setAttribute('error.type', outcome.status);
    span.setStatus({ code: SpanStatusCode.ERROR, message: outcome.reason });
  }
  span.end();
}

/** Makes the send span the parent of everything the message causes: the headers are more recent than the event's metadata. */
export function adoptTraceContext(event: EventEnvelope, headers: Headers | undefined): void {
  if (headers?.traceparent === undefined) return;
  event.metadata = { ...event.metadata, ...readTraceContext(headers) };
}

/**
 * Runs a handler in a process span, if spans are recorded. For one message, the span is a child of the send span and becomes the parent of
 * everything the message causes. For several messages, the span links to each of them, and each message's effects stay in its own trace.
 */
export function inProcessSpan(
  queue: string,
  messages: readonly HandledMessage[],
  handle: () => Promise<void>,
): Promise<void> {
  const tracer = activeTracer();
  const [first] = messages;
  if (!tracer || !first) return handle();
  const alone = messages.length === 1;
  const destination = destinationOf(queue, messages);
  const about = alone
    ? { ...routed(first.context.routingKey), ...identified(first.event) }
    : { 'messaging.batch.message_count': messages.length };
  const attributes = { ...operation('process', destination), ...about };
  const options = { kind: SpanKind.CONSUMER, attributes, links: messages.flatMap(linkTo) };
  const parent = alone ? parentContext(readTraceContext(first.event.metadata)) : ROOT_CONTEXT;
  const span = tracer.startSpan(`process ${destination}`, options, parent);
  if (alone) first.event.metadata = { ...first.event.metadata, ...contextOf(span) };
  return inSpan(span, parent, handle);
}

const operation = (name: 'send' | 'process', destination: string): Attributes => ({
  'messaging.system': 'rabbitmq',
  'messaging.operation.name': name,
  'messaging.operation.type': name,
  'messaging.destination.name': destination,
});

const routed = (routingKey: string): Attributes => ({ 'messaging.rabbitmq.destination.routing_key': routingKey });

const identified = ({ id, type, metadata }: EventEnvelope): Attributes => ({
  'messaging.message.id': id,
  'messaging.message.conversation_id': metadata.correlationId,
  'warren.event.type': type,
});

/** The full route if all messages share it, else only the queue. */
function destinationOf(queue: string, messages: readonly HandledMessage[]): string {
  const ways = new Set(messages.map(({ context }) => `${context.exchange}:${context.routingKey}:${queue}`));
  const [way = queue, ...others] = ways;
  return others.length === 0 ? way : queue;
}

function linkTo({ event }: HandledMessage): Link[] {
  const context = toSpanContext(readTraceContext(event.metadata));
  return context ? [{ context, attributes: { 'messaging.message.id': event.id } }] : [];
}
