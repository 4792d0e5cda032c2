import type { AnyAggregate, RecordedOf } from '@warren/contracts';
import { groupBy, kernelErrors } from '@warren/kernel';
import type { StoreTransaction } from '../log/event-store.ts';
import type { IdempotencyKeys, KeyUse } from '../log/idempotency-key-uses.ts';
import { keyReused } from '../log/idempotency-keys.ts';
import { notCreatedError, streamOf, toLatest } from './aggregate-log.ts';
import type { Asked, Outcome } from './decide-aggregate.ts';

/** A request for a new stream. */
export interface Creation {
  readonly aggregate: AnyAggregate;
  /** Id of the stream, without the category. */
  readonly id: string;
  readonly asked: Asked<AnyAggregate>;
  /** The request's Idempotency-Key. */
  readonly key: string | undefined;
  readonly fingerprint: string;
}

/** The result of a {@link Creation}. */
export interface Created {
  /** The first event of the stream that this request, or the first request with its key, created. */
  readonly event: RecordedOf<AnyAggregate>;
  /** Absent if an earlier request created the stream. */
  readonly outcome?: Outcome<AnyAggregate>;
}

export interface CreateStreamsOptions {
  keys: IdempotencyKeys | undefined;
  /** Decides inputs for streams that do not exist yet. */
  decide(aggregate: AnyAggregate, asked: readonly Asked<AnyAggregate>[]): Promise<Outcome<AnyAggregate>[]>;
}

/**
 * Creates streams in one transaction, once for each key.
 * @returns a result for each request, in order; `IDEMPOTENCY_KEY_REUSED` if its key was used for a different request
 * @throws what `decide` throws for any request; `UNEXPECTED` when a stream already exists, or nothing follows from the input
 */
export async function createStreams(
  tx: StoreTransaction,
  creations: readonly Creation[],
  { keys, decide }: CreateStreamsOptions,
): Promise<(Created | Error)[]> {
  const firstUses = await claimKeys(tx, creations, keys);
  const uses = creations.map((one) => ({ ...one, first: firstUses.get(one.key ?? '') ?? useOf(one) }));
  const outcomes = new Map<string, Outcome<AnyAggregate>>();
  const own = uses.filter(({ id, first }) => first.madeId === id);
  const ids = new Set<string>();
  const twice = own.find(({ id }) => ids.size === ids.add(id).size);
  if (twice) throw notCreatedError(twice.aggregate, twice.id);
  const byAggregate = groupBy(own, (one) => one.aggregate);
  if (byAggregate.size > 1) tx.severalWrites();
  for (const [aggregate, some] of byAggregate) {
    const decided = await decide(
      aggregate,
      some.map(({ asked }) => asked),
    );
    for (const [at, { id }] of some.entries()) outcomes.set(id, decided[at] as Outcome<AnyAggregate>);
  }
  const earlier = await loadFirsts(
    tx,
    uses.filter(({ first }) => !outcomes.has(first.madeId)),
  );
  return uses.map(({ aggregate, id, key = '', fingerprint, first }) => {
    if (fingerprint !== first.fingerprint) return keyReused(key);
    const event = outcomes.get(first.madeId)?.events[0] ?? earlier.get(first.madeId);
    const outcome = outcomes.get(id);
    if (event?.streamVersion === 1) return { event, ...(outcome && { outcome }) };
    throw notCreatedError(aggregate, first.madeId);
  });
}

const useOf = ({ fingerprint, id }: Creation): Omit<KeyUse, 'key'> => ({ fingerprint, madeId: id });

function claimKeys(
  tx: StoreTransaction,
  creations: readonly Creation[],
  keys: IdempotencyKeys | undefined,
): Promise<Map<string, KeyUse>> | Map<string, KeyUse> {
  const firstOfBatch = new Map<string, KeyUse>();
  for (const creation of creations) {
    const { key } = creation;
    if (key !== undefined && !firstOfBatch.has(key)) firstOfBatch.set(key, { key, ...useOf(creation) });
  }
  if (firstOfBatch.size === 0) return firstOfBatch;
  if (!keys)
    throw kernelErrors.UNEXPECTED('the service does not accept Idempotency-Keys: it declares no idempotencyKeys');
  return tx.claimKeys(keys, [...firstOfBatch.values()]);
}

/** Loads the first events of streams that earlier requests created, by id. */
async function loadFirsts(
  tx: StoreTransaction,
  uses: readonly { aggregate: AnyAggregate; first: Omit<KeyUse, 'key'> }[],
): Promise<Map<string, RecordedOf<AnyAggregate>>> {
  const wanted = new Map(
    uses.map(({ aggregate, first: { madeId: id } }) => [streamOf(aggregate, id), { aggregate, id }]),
  );
  if (wanted.size === 0) return new Map();
  const streams = await tx.load([...wanted.keys()]);
  return new Map(
    [...wanted].flatMap(([stream, { aggregate, id }]) => {
      const first = streams.get(stream)?.[0];
      return first ? [[id, toLatest(aggregate, first)] as const] : [];
    }),
  );
}
