import { type Attributes, type Link, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { EventEnvelope, PublishOutcome } from '@warren/contracts';
import { activeTracer, contextOf, inSpan, parentContext, readTraceContext, toSpanContext } from '@warren/kernel';
import type { DeliveryContext } from './consume/subscription.ts';
import type { Headers } from './header-table.ts';
import type { OutgoingMessage } from './message.ts';

// Names and values are those of the semantic conventions for messaging, with what they say of RabbitMQ:
// https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/

/** A message in the hands of its handler. */
export interface HandledMessage {
  event: EventEnvelope;
  context: DeliveryContext;
}

/** A message on its way to the broker, and the span of that way. */
export interface Sending {
  message: OutgoingMessage;
  /** `undefined` while nobody records spans. */
  span: Span | undefined;
}

/** Opens the span of an event's way to the broker, child of the one that the event names, and names it in the headers of the message. */
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

/** Ends the span of {@link startSend} with what became of the event. */
export function endSend(span: Span, outcome: PublishOutcome): void {
  if (outcome.status !== 'confirmed') {
    span.setAttribute('error.type', outcome.status);
    span.setStatus({ code: SpanStatusCode.ERROR, message: outcome.reason });
  }
  span.end();
}

/** What follows from a message belongs behind the span that it was sent in: its headers know more of that than the event itself. */
export function adoptTraceContext(event: EventEnvelope, headers: Headers | undefined): void {
  if (headers?.traceparent === undefined) return;
  event.metadata = { ...event.metadata, ...readTraceContext(headers) };
}

/**
 * Runs a handler in a span of what it handles, if anybody records spans. That of one message is a child of the span that it was sent in, and
 * what follows from the message becomes a child of it in turn. That of several is linked with each of them, and what follows from a
 * message stays in that message's own trace.
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

/** The whole way that the messages came, or only its end where they came different ways. */
function destinationOf(queue: string, messages: readonly HandledMessage[]): string {
  const ways = new Set(messages.map(({ context }) => `${context.exchange}:${context.routingKey}:${queue}`));
  const [way = queue, ...others] = ways;
  return others.length === 0 ? way : queue;
}

function linkTo({ event }: HandledMessage): Link[] {
  const context = toSpanContext(readTraceContext(event.metadata));
  return context ? [{ context, attributes: { 'messaging.message.id': event.id } }] : [];
}
