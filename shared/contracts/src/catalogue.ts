import { Type } from 'typebox';
import { contractErrors } from './contract-errors.ts';
import type { EventContract, EventEnvelope, EventOf } from './event-contract.ts';
import { upcastTo, versionsOf } from './event-versions.ts';
import { DateTime, Uuid } from './text.ts';
import { createValidator, type Fault, type Validator } from './validator.ts';

/** The events that a bus knows, with their earlier versions: it publishes and receives these and no others. */
export interface Catalogue<Contract extends EventContract = EventContract> {
  readonly contracts: readonly Contract[];
  /** The contract of a type and version, if it is known: a listed one, or an earlier version of it. */
  find(type: string, version: number): EventContract | undefined;
  /**
   * The value as an event of this catalogue, once it has the shape that the contract of its own version states. One of an earlier
   * version is given as the first version from its own on that is accepted; where none is, as the latest.
   * @param accepted the versions that the caller handles @default those listed in the catalogue
   * @throws `ENVELOPE_INVALID`, `EVENT_TYPE_UNKNOWN`, `EVENT_VERSION_UNKNOWN` or `EVENT_DATA_INVALID` with `details.faults`.
   */
  parse(value: unknown, accepted?: readonly EventContract[]): EventOf<Contract>;
}

/** One version of one event. */
interface Known {
  contract: EventContract;
  data: Validator<unknown>;
  /** The versions that follow it, the next one first. */
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
    // Whatever is no valid trace context counts as none (see `readTraceContext`), so it is no reason to refuse the event.
    traceparent: Type.Optional(
      Type.Unknown({ description: 'W3C Trace Context: the trace that the event belongs to.' }),
    ),
    tracestate: Type.Optional(Type.Unknown({ description: 'What tracing systems keep beside the traceparent.' })),
  }),
});

const envelope = createValidator(EnvelopeSchema) as Validator<EventEnvelope>;

/** Gathers contracts into a catalogue. Two contracts of the same type and version are a mistake and throw. */
export function createCatalogue<Contract extends EventContract>(contracts: readonly Contract[]): Catalogue<Contract> {
  const types = knownVersions(contracts);

  function parse(value: unknown, accepted: readonly EventContract[] = contracts): EventOf<Contract> {
    if (!envelope.is(value)) {
      throw contractErrors.ENVELOPE_INVALID(...explain('the envelope is not that of an event', envelope.faults(value)));
    }
    const versions = types.get(value.type);
    const known = versions?.get(value.version);
    if (!known) {
      if (versions) {
        throw contractErrors.EVENT_VERSION_UNKNOWN(`version ${value.version} of ${value.type} is not known`);
      }
      throw contractErrors.EVENT_TYPE_UNKNOWN(`${value.type} is not a known event`);
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
  throw contractErrors.EVENT_DATA_INVALID(
    ...explain(`the data is not that of ${event.type} v${event.version}`, faults),
  );
}

/** By type and version: what is listed, and the earlier versions of it. */
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
