import { kernelErrors } from '@warren/kernel';
import type { Static, TSchema } from 'typebox';
import { contractErrors } from './contract-errors.ts';
import type { EventContract, EventEnvelope, EventOf } from './event-contract.ts';

/** A contract and all of its earlier versions. */
export type VersionsOf<Contract extends EventContract> =
  | Contract
  | (Contract extends { previous: { contract: infer Earlier extends EventContract } } ? VersionsOf<Earlier> : never);

/** What the next version of an event is, and how it comes from the one before. */
export interface NextVersion<Previous extends EventContract, Version extends number, Schema extends TSchema> {
  /** One more than that of the previous version. */
  version: Version;
  schema: Schema;
  /**
   * Makes data of this version out of data of the previous one. Pure; sees only what the previous version states, so that a field which
   * somebody sent under the new name before it had a meaning is not taken for it.
   */
  upcast(data: EventOf<Previous>['data']): Static<Schema>;
  /** Makes data of the previous version out of data of this one, without what that version cannot say. For {@link downcastTo}. */
  downcast?(data: Static<Schema>): EventOf<Previous>['data'];
}

/**
 * Declares the version of an event that follows another: the same type and address, another shape. List it in the catalogue in place
 * of the previous one, which it brings along: events of that version are still taken, and handed over as this one.
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

/** The contract with its earlier versions, the newest first. */
export function versionsOf(contract: EventContract): EventContract[] {
  return [contract, ...(contract.previous ? versionsOf(contract.previous.contract) : [])];
}

/**
 * The data of an event as the given version of it has it: itself, or what the upcasters make of it step by step.
 * @throws `UNEXPECTED` when the contract follows from no such version: the event was written by a newer program.
 */
export function upcastTo<Contract extends EventContract>(
  contract: Contract,
  event: Pick<EventEnvelope, 'type' | 'version' | 'data'>,
): EventOf<Contract>['data'] {
  if (event.version === contract.version) return event.data;
  const { previous, version } = contract;
  if (!previous || event.version > version)
    throw kernelErrors.UNEXPECTED(`${event.type} v${event.version} cannot become v${version}`);
  return previous.upcast(upcastTo(previous.contract, event));
}

/**
 * The data of the latest version as an earlier one has it: what a service records while others run that know no later version.
 * @throws `UNEXPECTED` when the contract follows from no such version, or one on the way does not say how
 */
export function downcastTo({ previous, ...contract }: EventContract, version: number, data: unknown): unknown {
  if (version === contract.version) return data;
  if (!previous?.downcast)
    throw kernelErrors.UNEXPECTED(`${contract.type} v${contract.version} cannot become v${version}`);
  return downcastTo(previous.contract, version, previous.downcast(data));
}
