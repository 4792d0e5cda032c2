import { createId, readTraceContext, type TraceContext } from '@warren/kernel';
import type { Static, TSchema } from 'typebox';

/** What an event follows from. */
export interface Cause extends TraceContext {
  /** The same for everything that follows from one request; the request's `X-Correlation-Id`. */
  correlationId: string;
  /** Id of the message that caused this event; for the first of a chain, the correlation id. */
  causationId: string;
}

/** Where an event comes from and what it belongs to. Further members are kept as they are. */
export interface EventMetadata extends Cause {
  /** Name of the service that recorded it; also AMQP `app_id`. */
  source: string;
  [name: string]: unknown;
}

/** An event as it travels: JSON in the body of a persistent AMQP message, its main fields repeated as AMQP properties. */
export interface EventEnvelope<Type extends string = string, Version extends number = number, Data = unknown> {
  /** UUID v7; also AMQP `message_id`. The same however often the event is published. */
  id: string;
  type: Type;
  /** Version of the schema of `data`, from 1. */
  version: Version;
  /** When it happened, ISO 8601 in UTC with milliseconds. */
  timestamp: string;
  /** What it happened to: an order's id, say. */
  aggregateId: string;
  data: Data;
  metadata: EventMetadata;
}

/** Everything there is to know about one version of one event: its name, the shape of its data and its address. */
export interface EventContract<
  Type extends string = string,
  Version extends number = number,
  Schema extends TSchema = TSchema,
> {
  type: Type;
  version: Version;
  /** Topic exchange that it is published to. */
  exchange: string;
  routingKey: string;
  /** Shape of `data`. Fields that it does not name are allowed and ignored: producers may be newer than consumers. */
  schema: Schema;
  /** The version before this one, and how the data of either becomes that of the other; see `defineNextVersion`. */
  previous?: { contract: EventContract; upcast(data: unknown): unknown; downcast?(data: unknown): unknown };
}

/** The envelope that a contract describes; over a union of contracts, the union of their envelopes. */
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
  /** The message that this event answers: its correlation and its trace are carried on, and its id becomes the causation. */
  causedBy?: Pick<EventEnvelope, 'id' | 'metadata'>;
  /** @default the correlation of `causedBy`, else a new id */
  correlationId?: string;
  /** @default a new UUID v7 */
  id?: string;
  /** @default the current time */
  now?: Date;
  /** Further members of the metadata. */
  metadata?: Record<string, unknown>;
}

/** What a request carries on into the events that follow from it. */
export interface RequestContext {
  correlationId: string;
  traceContext?: TraceContext;
}

/** A request as the cause of the first events of a chain. */
export function causeOfRequest({ correlationId, traceContext }: RequestContext): Cause {
  return { ...traceContext, correlationId, causationId: correlationId };
}

/** A message as the cause of what is answered to it: its correlation and its trace are carried on. */
export function causeOf({ id, metadata }: Pick<EventEnvelope, 'id' | 'metadata'>): Cause {
  return { ...readTraceContext(metadata), correlationId: metadata.correlationId, causationId: id };
}

/** A new event of the given contract, typed by it. */
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
