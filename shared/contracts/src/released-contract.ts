import { isDeepStrictEqual } from 'node:util';
import type { Catalogue } from './catalogue.ts';
import { contractErrors } from './contract-errors.ts';
import type { EventContract } from './event-contract.ts';
import { type JsonSchema, plainSchema } from './json-schema.ts';

/** An event version as it was released. After its release it may only gain optional fields. */
export interface ReleasedContract {
  type: string;
  version: number;
  exchange: string;
  routingKey: string;
  /** JSON Schema of the data. */
  schema: JsonSchema;
}

/** Returns the record to keep of a contract at its release. */
export function toReleased({ type, version, exchange, routingKey, schema }: EventContract): ReleasedContract {
  return { type, version, exchange, routingKey, schema: plainSchema(schema) };
}

/**
 * Checks that a released event version is still compatible with its readers and its logs. A version may only gain optional fields and
 * change its descriptions. A narrower schema would reject messages of old logs; a wider one would let out messages that consumers of the
 * old release reject.
 * @throws `CONTRACT_BROKEN` with every incompatible change
 */
export function requireCompatible(released: ReleasedContract, catalogue: Pick<Catalogue, 'find'>): void {
  const { type, version, exchange, routingKey, schema } = released;
  const present = catalogue.find(type, version);
  const changes = present
    ? [
        ...differences('exchange', exchange, present.exchange),
        ...differences('routing key', routingKey, present.routingKey),
        ...changesOf('/data', schema, plainSchema(present.schema)),
      ]
    : ['it is no longer in the catalogue'];
  if (changes.length === 0) return;
  throw contractErrors.CONTRACT_BROKEN(
    `${type} v${version} is released, so logs and services depend on it:\n${changes
      .map((change) => `  ${change}\n`)
      .join('')}Restore it and declare the next version with defineNextVersion (docs/changing-events.md)`,
  );
}

/** Keywords that no validator reads, so they may change. */
const ANNOTATIONS = new Set(['title', 'description', 'examples', '$comment']);

function changesOf(path: string, before: JsonSchema, now: JsonSchema): string[] {
  const keywords = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keywords].flatMap((keyword) => {
    const [old, present] = [before[keyword], now[keyword]];
    if (ANNOTATIONS.has(keyword)) return [];
    if (keyword === 'properties') return fieldChanges(path, (old ?? {}) as JsonSchema, (present ?? {}) as JsonSchema);
    if (keyword === 'required') return requiredChanges(path, old, present);
    if (keyword === 'items' && old && present) {
      return changesOf(`${path}/*`, old as JsonSchema, present as JsonSchema);
    }
    return differences(`${path}: ${keyword}`, old, present);
  });
}

function fieldChanges(path: string, before: JsonSchema, now: JsonSchema): string[] {
  return Object.entries(before).flatMap(([name, schema]) =>
    Object.hasOwn(now, name)
      ? changesOf(`${path}/${name}`, schema as JsonSchema, now[name] as JsonSchema)
      : [`${path}/${name} is gone`],
  );
}

function requiredChanges(path: string, before: unknown = [], now: unknown = []): string[] {
  const [old, present] = [new Set(before as string[]), new Set(now as string[])];
  return [
    ...[...present].filter((name) => !old.has(name)).map((name) => `${path}/${name} is now required`),
    ...[...old].filter((name) => !present.has(name)).map((name) => `${path}/${name} is no longer required`),
  ];
}

function differences(what: string, before: unknown, now: unknown): string[] {
  const shown = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value));
  return isDeepStrictEqual(before, now) ? [] : [`${what} was ${shown(before)}, is ${shown(now)}`];
}
