import { type AggregateRequest, type AnyAggregate, causeOf, type EventEnvelope, type Ignored } from '@warren/contracts';
import type { Clock, Logger } from '@warren/kernel';
import { claimFresh } from '../log/claim-fresh.ts';
import type { EventStore, StoreTransaction } from '../log/event-store.ts';
import type { Asked, Outcome as OutcomeOf } from './decide-aggregate.ts';
import { hasRows, type Write } from './sql.ts';

/** What follows from a message: an input for an aggregate, a write, or the reason why the message is ignored. */
export type Reaction = AggregateRequest | Write | Ignored;

/** Writes rows for all messages of a commit at once. */
export interface MessageWriter<in Message = never> {
  /** The log line for each message after the commit. The ids of the message are added to its fields. @default no log line */
  readonly log?: { readonly text: string; readonly fieldsOf: (message: Message) => object };
  /** Must be pure; see `Write` for the rules of its statements. Receives each message once, however often it is delivered. */
  readonly writes: (messages: readonly Message[], context: { readonly now: Date }) => readonly Write[];
}

/** The consumers of a queue's messages. */
export interface Reactions {
  /** Each receives every message as an input. @default none */
  readonly aggregates?: readonly AnyAggregate[];
  /** Each is called with every message, before the transaction. @default none */
  readonly handlers?: readonly ((message: EventEnvelope) => Promise<readonly Reaction[]>)[];
  /** @default none */
  readonly writers?: readonly MessageWriter[];
}

type Outcome = OutcomeOf<AnyAggregate>;

export interface MessageHandling {
  log: Pick<EventStore, 'commit'>;
  clock: Clock;
  logger: Logger;
  /** Decides inputs and appends the resulting events. */
  decide(tx: StoreTransaction, aggregate: AnyAggregate, asked: readonly Asked<AnyAggregate>[]): Promise<Outcome[]>;
  /** Counts and logs the outcome of an input, after the commit. */
  report(aggregate: AnyAggregate, asked: Asked<AnyAggregate>, outcome: Outcome): void;
}

/** A message and the reactions of its handlers. */
interface Told {
  readonly id: string;
  readonly message: EventEnvelope;
  readonly reactions: readonly Reaction[];
}

/** Implements `Store.handle`. */
export async function handleMessages(
  handling: MessageHandling,
  queue: string,
  messages: readonly EventEnvelope[],
  { handlers = [], ...reactions }: Reactions,
): Promise<void> {
  const ask = async (message: EventEnvelope) => (await Promise.all(handlers.map((one) => one(message)))).flat();
  const told = await Promise.all(
    messages.map(async (message) => ({ id: message.id, message, reactions: await ask(message) })),
  );
  const reports = await handling.log.commit(async (tx) => {
    const fresh = await claimFresh(tx, queue, told);
    return fresh.length > 0 ? react(tx, fresh, reactions, handling) : [];
  });
  for (const report of reports) report();
}

/** Decides and writes. @returns functions that report the outcomes, to be called after the commit */
async function react(
  tx: StoreTransaction,
  messages: readonly Told[],
  { aggregates = [], writers = [] }: Reactions,
  { decide, report, clock, logger }: MessageHandling,
): Promise<(() => void)[]> {
  const reports: (() => void)[] = [];
  const now = clock.now();
  const envelopes = messages.map(({ message }) => message);
  const inputs = inputsOf(messages, aggregates);
  // The writes of each message separately: two messages may change the same row, which one statement can change only once.
  const written = [
    ...messages.map(({ reactions }) => reactions.filter((one): one is Write => 'parts' in one)),
    writers.flatMap(({ writes }) => writes(envelopes as never, { now })),
  ].filter((writes) => writes.some(hasRows));
  if (inputs.size + written.length > 1) tx.severalWrites();
  for (const [aggregate, asked] of inputs) {
    const outcomes = await decide(tx, aggregate, asked);
    reports.push(() => {
      for (const [at, one] of asked.entries()) report(aggregate, one, outcomes[at] as Outcome);
    });
  }
  for (const writes of written) await tx.write(writes);
  reports.push(() => {
    for (const { log } of writers) for (const message of envelopes) reportWritten(message, log, logger);
    for (const told of messages) reportIgnored(told, logger);
  });
  return reports;
}

/** Returns the inputs of each aggregate, in message order. Every message is an input for each aggregate in `listen`. */
function inputsOf(
  messages: readonly Told[],
  listen: readonly AnyAggregate[],
): Map<AnyAggregate, Asked<AnyAggregate>[]> {
  const inputs = new Map<AnyAggregate, Asked<AnyAggregate>[]>();
  for (const { message, reactions } of messages) {
    const requests = reactions.filter((one): one is AggregateRequest => 'aggregate' in one);
    for (const { aggregate, input } of [...listen.map((aggregate) => ({ aggregate, input: message })), ...requests]) {
      const asked = { input: input as never, cause: causeOf(message) };
      const others = inputs.get(aggregate);
      if (others) others.push(asked);
      else inputs.set(aggregate, [asked]);
    }
  }
  return inputs;
}

function reportWritten(message: EventEnvelope, log: MessageWriter['log'], logger: Logger): void {
  if (!log) return;
  const { id: messageId, metadata } = message;
  // The ids come last: a field of the same name must not hide them.
  const fields = { ...log.fieldsOf(message as never), messageId, correlationId: metadata.correlationId };
  logger.info(fields, log.text);
}

function reportIgnored({ message, reactions }: Told, logger: Logger): void {
  for (const one of reactions) {
    if (!('reason' in one)) continue;
    const about = { messageId: message.id, correlationId: message.metadata.correlationId };
    logger.debug({ ...about, reason: one.reason }, `${message.type} ignored`);
  }
}
