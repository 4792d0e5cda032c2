import { Type } from 'typebox';
import { contractErrors } from './contract-errors.ts';
import type { EventContract, EventEnvelope, EventOf } from './event-contract.ts';
import { createValidator, type Fault, type Validator } from './validator.ts';

/** The events that a bus knows: it publishes and receives these and no others. */
export interface Catalogue<Contract extends EventContract = EventContract> {
  readonly contracts: readonly Contract[];
  /** The contract of a type and version, if it is known. */
  find(type: string, version: number): Contract | undefined;
  /**
   * The value as an event of this catalogue.
   * @throws `ENVELOPE_INVALID`, `EVENT_TYPE_UNKNOWN`, `EVENT_VERSION_UNKNOWN` or `EVENT_DATA_INVALID` with `details.faults`.
   */
  parse(value: unknown): EventOf<Contract>;
}

const identifier = Type.String({ minLength: 1, maxLength: 255 });

const envelope: Validator<EventEnvelope> = createValidator(
  Type.Object({
    id: Type.String({ format: 'uuid', wanted: 'must be a UUID' }),
    type: identifier,
    version: Type.Integer({ minimum: 1 }),
    timestamp: Type.String({ format: 'date-time' }),
    aggregateId: identifier,
    data: Type.Unknown(),
    metadata: Type.Object({ correlationId: identifier, causationId: identifier, source: identifier }),
  }),
) as Validator<EventEnvelope>;

/** Gathers contracts into a catalogue. Two contracts of the same type and version are a mistake and throw. */
export function createCatalogue<Contract extends EventContract>(contracts: readonly Contract[]): Catalogue<Contract> {
  const known = new Map<string, Map<number, { contract: Contract; data: Validator<unknown> }>>();
  for (const contract of contracts) {
    const { type, version, schema } = contract;
    const versions = known.get(type) ?? new Map();
    if (versions.has(version)) throw contractErrors.CONTRACT_DUPLICATE(`${type} v${version} is declared twice`);
    known.set(type, versions.set(version, { contract, data: createValidator(schema) }));
  }

  function parse(value: unknown): EventOf<Contract> {
    if (!envelope.is(value)) {
      throw contractErrors.ENVELOPE_INVALID(...explain('the envelope is not that of an event', envelope.faults(value)));
    }
    const versions = known.get(value.type);
    const entry = versions?.get(value.version);
    if (!entry) {
      if (versions) {
        throw contractErrors.EVENT_VERSION_UNKNOWN(`version ${value.version} of ${value.type} is not known`);
      }
      throw contractErrors.EVENT_TYPE_UNKNOWN(`${value.type} is not a known event`);
    }
    if (!entry.data.is(value.data)) {
      const faults = entry.data.faults(value.data).map((fault) => ({ ...fault, path: `/data${fault.path}` }));
      throw contractErrors.EVENT_DATA_INVALID(
        ...explain(`the data is not that of ${value.type} v${value.version}`, faults),
      );
    }
    return value as EventOf<Contract>;
  }

  return { contracts, find: (type, version) => known.get(type)?.get(version)?.contract, parse };
}

function explain(what: string, faults: Fault[]): [string, { details: { faults: Fault[] } }] {
  const first = faults.slice(0, 5).map((fault) => `${fault.path} ${fault.message}`);
  return [`${what}: ${first.join('; ')}`, { details: { faults } }];
}
