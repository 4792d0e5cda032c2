import { kernelErrors } from '@warren/kernel';
import type { Static, TSchema } from 'typebox';
import { contractErrors } from './contract-errors.ts';
import type { EventContract, EventEnvelope, EventOf } from './event-contract.ts';

/** A contract and all of its earlier versions. */
export type VersionsOf<Contract extends EventContract> =
  | Contract
  | (Contract extends { previous: { contract: infer Earlier extends EventContract } } ? VersionsOf<Earlier> : never);

/** The next version of an event, and how to convert data from the previous version. */
export interface NextVersion<Previous extends EventContract, Version extends number, Schema extends TSchema> {
  /** One more than the previous version. */
  version: Version;
  schema: Schema;
  /**
   * Converts data of the previous version to this version. Must be pure. It receives only the fields of the previous version's schema: a field
   * that was sent under the new name before the name had a meaning is not mistaken for the new field.
   */
  upcast(data: EventOf<Previous>['data']): Static<Schema>;
  /** Converts data of this version to the previous version, dropping what that version cannot express. For {@link downcastTo}. */
  downcast?(data: Static<Schema>): EventOf<Previous>['data'];
}

/**
 * Declares the next version of an event: same type and address, different schema. List it in the catalogue instead of the previous version,
 * which it includes: events of the previous version are still accepted, and delivered as this one.
 * @throws `CONTRACT_VERSION_SKIPPED`
 */
export function defineNextVersion<
  const Previous extends EventContract,
  const Version extends number,
  Schema extends TSchema,
>(contract: Previous, { version, schema, upcast, downcast }: NextVersion<Previous, Version, Schema>) {
  const { type, exchange, routingKey } = contract as EventContract<Previous['type']>;
  if (version !== contract.version + 1) {
    throw contractErrors.CONTRACT_VERSION_SKIPPED(`${type} v${version} cannot follow v${contract.version}`);
  }
  const next: EventContract<Previous['type'], Version, Schema> = { type, version, exchange, routingKey, schema };
  return { ...next, previous: { contract, upcast, ...(downcast && { downcast }) } };
}

/** Returns the contract and its earlier versions, newest first. */
export function versionsOf(contract: EventContract): EventContract[] {
  return [contract, ...(contract.previous ? versionsOf(contract.previous.contract) : [])];
}

/**
 * Returns the data of an event in the contract's version, upcast step by step.
 * @throws `UNEXPECTED` when the event's version is not an earlier version of the contract: a newer program wrote the event
 */
export function upcastTo<Contract extends EventContract>(
  contract: Contract,
  event: Pick<EventEnvelope, 'type' | 'version' | 'data'>,
): EventOf<Contract>['data'] {
  if (event.version === contract.version) return event.data;
  const { previous, version } = contract;
  if (!previous || event.version > version)
    throw kernelErrors.UNEXPECTED(`cannot upcast ${event.type} v${event.version} to v${version}`);
  return previous.upcast(upcastTo(previous.contract, event));
}

/**
 * Returns the data of the latest version in an earlier version, which a service records while instances run that know no later one.
 * @throws `UNEXPECTED` when the contract has no such earlier version, or a version in between has no `downcast`
 */
export function downcastTo({ previous, ...contract }: EventContract, version: number, data: unknown): unknown {
  if (version === contract.version) return data;
  if (!previous?.downcast)
    throw kernelErrors.UNEXPECTED(`cannot downcast ${contract.type} v${contract.version} to v${version}`);
  return downcastTo(previous.contract, version, previous.downcast(data));
}
