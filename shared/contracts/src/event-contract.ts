import { createId, readTraceContext, type TraceContext } from '@warren/kernel';
import type { Static, TSchema } from 'typebox';

/** The cause of an event: its correlation, its causation and its trace. */
export interface Cause extends TraceContext {
  /** Shared by everything that follows from one request: the request's `X-Correlation-Id`. */
  correlationId: string;
  /** Id of the message that caused this event; for the first event of a chain, the correlation id. */
  causationId: string;
}

/** The cause and source of an event. Additional members are preserved. */
export interface EventMetadata extends Cause {
  /** Name of the service that recorded the event; also AMQP `app_id`. */
  source: string;
  [name: string]: unknown;
}

/** An event on the wire: the JSON body of a persistent AMQP message. The main fields are repeated as AMQP properties. */
export interface EventEnvelope<Type extends string = string, Version extends number = number, Data = unknown> {
  /** UUID v7; also AMQP `message_id`. The same each time the event is published. */
  id: string;
  type: Type;
  /** Version of the schema of `data`, from 1. */
  version: Version;
  /** When the event happened: ISO 8601 in UTC with milliseconds. */
  timestamp: string;
  /** Id of what the event happened to, for example an order. */
  aggregateId: string;
  data: Data;
  metadata: EventMetadata;
}

/** One version of an event: its type, the schema of its data and its address. */
export interface EventContract<
  Type extends string = string,
  Version extends number = number,
  Schema extends TSchema = TSchema,
> {
  type: Type;
  version: Version;
  /** Topic exchange that the event is published to. */
  exchange: string;
  routingKey: string;
  /** Schema of `data`. Unknown fields are allowed and ignored: producers may be newer than consumers. */
  schema: Schema;
  /** The previous version, and how to convert data between the two; see `defineNextVersion`. */
  previous?: { contract: EventContract; upcast(data: unknown): unknown; downcast?(data: unknown): unknown };
}

/** The envelope that a contract describes; for a union of contracts, the union of their envelopes. */
export type EventOf<Contract> =
  Contract extends EventContract<infer Type, infer Version, infer Schema>
    ? EventEnvelope<Type, Version, Static<Schema>>
    : never;

/** Declares the first version of an event. Keep the result in a constant and list it in a catalogue. */
export function defineEvent<const Type extends string, const Version extends number, Schema extends TSchema>(
  contract: EventContract<Type, Version, Schema>,
): EventContract<Type, Version, Schema> {
  return contract;
}

export interface NewEventOptions<Data> {
  aggregateId: string;
  data: Data;
  /** Name of the publishing service. */
  source: string;
  /** The message that caused this event. The event inherits its correlation and trace; its id becomes the causation id. */
  causedBy?: Pick<EventEnvelope, 'id' | 'metadata'>;
  /** @default the correlation id of `causedBy`, otherwise a new id */
  correlationId?: string;
  /** @default a new UUID v7 */
  id?: string;
  /** @default the current time */
  now?: Date;
  /** Additional members of the metadata. */
  metadata?: Record<string, unknown>;
}

/** The part of a request that its events inherit. */
export interface RequestContext {
  correlationId: string;
  traceContext?: TraceContext;
}

/** Returns a request as the cause of the first events of a chain. */
export function causeOfRequest({ correlationId, traceContext }: RequestContext): Cause {
  return { ...traceContext, correlationId, causationId: correlationId };
}

/** Returns a message as the cause of the events that follow from it. They inherit its correlation and trace. */
export function causeOf({ id, metadata }: Pick<EventEnvelope, 'id' | 'metadata'>): Cause {
  return { ...readTraceContext(metadata), correlationId: metadata.correlationId, causationId: id };
}

/** Creates an event of the given contract. */
export function createEvent<Type extends string, Version extends number, Schema extends TSchema>(
  contract: EventContract<Type, Version, Schema>,
  options: NewEventOptions<Static<Schema>>,
): EventEnvelope<Type, Version, Static<Schema>> {
  const { aggregateId, data, source, causedBy, id = createId(), now = new Date(), metadata } = options;
  const cause = causedBy && causeOf(causedBy);
  const correlationId = options.correlationId ?? cause?.correlationId ?? createId();
  return {
    id,
    type: contract.type,
    version: contract.version,
    timestamp: now.toISOString(),
    aggregateId,
    data,
    metadata: { ...metadata, causationId: correlationId, ...cause, correlationId, source },
  };
}
