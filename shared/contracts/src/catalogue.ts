import { Type } from 'typebox';
import { contractErrors } from './contract-errors.ts';
import type { EventContract, EventEnvelope, EventOf } from './event-contract.ts';
import { upcastTo, versionsOf } from './event-versions.ts';
import { DateTime, Uuid } from './text.ts';
import { createValidator, type Fault, type Validator } from './validator.ts';

/** The events that a bus publishes and receives, with their earlier versions. It accepts no others. */
export interface Catalogue<Contract extends EventContract = EventContract> {
  readonly contracts: readonly Contract[];
  /** Returns the contract of a type and version: a listed one or an earlier version of it; undefined if unknown. */
  find(type: string, version: number): EventContract | undefined;
  /**
   * Validates the value against the contract of its own version and returns it as an event. An event is upcast to the first accepted version
   * from its own on, or to the latest if none is accepted.
   * @param accepted the versions that the caller handles @default the versions listed in the catalogue
   * @throws `ENVELOPE_INVALID`, `EVENT_TYPE_UNKNOWN`, `EVENT_VERSION_UNKNOWN` or `EVENT_DATA_INVALID` with `details.faults`.
   */
  parse(value: unknown, accepted?: readonly EventContract[]): EventOf<Contract>;
}

/** One version of one event. */
interface Known {
  contract: EventContract;
  data: Validator<unknown>;
  /** The later versions, the next one first. */
  later: Known[];
}

const identifier = Type.String({ minLength: 1, maxLength: 255 });

/** The members of every event around its `data`. */
export const EnvelopeSchema = Type.Object({
  id: Uuid,
  type: identifier,
  version: Type.Integer({ minimum: 1 }),
  timestamp: DateTime,
  aggregateId: identifier,
  data: Type.Unknown(),
  metadata: Type.Object({
    correlationId: identifier,
    causationId: identifier,
    source: identifier,
    // An invalid trace context counts as none (see `readTraceContext`), so it must not reject the event.
    traceparent: Type.Optional(
      Type.Unknown({ description: 'W3C Trace Context: the trace that the event belongs to.' }),
    ),
    tracestate: Type.Optional(Type.Unknown({ description: 'What tracing systems keep beside the traceparent.' })),
  }),
});

const envelope = createValidator(EnvelopeSchema) as Validator<EventEnvelope>;

/**
 * Creates a catalogue of contracts.
 * @throws `CONTRACT_DUPLICATE` for two contracts of the same type and version
 */
export function createCatalogue<Contract extends EventContract>(contracts: readonly Contract[]): Catalogue<Contract> {
  const types = knownVersions(contracts);

  function parse(value: unknown, accepted: readonly EventContract[] = contracts): EventOf<Contract> {
    if (!envelope.is(value)) {
      throw contractErrors.ENVELOPE_INVALID(...explain('not a valid event envelope', envelope.faults(value)));
    }
    const versions = types.get(value.type);
    const known = versions?.get(value.version);
    if (!known) {
      if (versions) {
        throw contractErrors.EVENT_VERSION_UNKNOWN(`unknown version ${value.version} of ${value.type}`);
      }
      throw contractErrors.EVENT_TYPE_UNKNOWN(`unknown event type ${value.type}`);
    }
    requireData(known, value);
    return (known.later.length === 0 ? value : upcast(value, known, accepted)) as EventOf<Contract>;
  }

  return { contracts, find: (type, version) => types.get(type)?.get(version)?.contract, parse };
}

function upcast(event: EventEnvelope, known: Known, accepted: readonly EventContract[]): EventEnvelope {
  const candidates = [known, ...known.later];
  const isAccepted = ({ contract: { type, version } }: Known) =>
    accepted.some((one) => one.type === type && one.version === version);
  const target = candidates.find(isAccepted) ?? (candidates.at(-1) as Known);
  if (target === known) return event;
  const { contract } = target;
  const upcasted = { ...event, version: contract.version, data: upcastTo(contract, event) };
  requireData(target, upcasted);
  return upcasted;
}

function requireData({ data }: Known, event: EventEnvelope): void {
  if (data.is(event.data)) return;
  const faults = data.faults(event.data).map((fault) => ({ ...fault, path: `/data${fault.path}` }));
  throw contractErrors.EVENT_DATA_INVALID(...explain(`invalid data for ${event.type} v${event.version}`, faults));
}

/** The listed contracts and their earlier versions, by type and version. */
function knownVersions(contracts: readonly EventContract[]): Map<string, Map<number, Known>> {
  const types = new Map<string, Map<number, Known>>();
  for (const contract of contracts) {
    const { type, version } = contract;
    const versions = types.get(type) ?? new Map<number, Known>();
    if (versions.has(version)) throw contractErrors.CONTRACT_DUPLICATE(`${type} v${version} is declared twice`);
    types.set(type, versions.set(version, toKnown(contract)));
  }
  for (const contract of contracts) addEarlier(types.get(contract.type) as Map<number, Known>, contract);
  return types;
}

function addEarlier(versions: Map<number, Known>, contract: EventContract): void {
  let later: Known[] = [];
  for (const one of versionsOf(contract)) {
    const known = versions.get(one.version) ?? toKnown(one);
    if (known.later.length < later.length) known.later = later;
    versions.set(one.version, known);
    later = [known, ...later];
  }
}

const toKnown = (contract: EventContract): Known => ({ contract, data: createValidator(contract.schema), later: [] });

function explain(what: string, faults: Fault[]): [string, { details: { faults: Fault[] } }] {
  const first = faults.slice(0, 5).map((fault) => `${fault.path} ${fault.message}`);
  return [`${what}: ${first.join('; ')}`, { details: { faults } }];
}
