import { isDeepStrictEqual } from 'node:util';
import type { Catalogue } from './catalogue.ts';
import { contractErrors } from './contract-errors.ts';
import type { EventContract } from './event-contract.ts';
import { type JsonSchema, plainSchema } from './json-schema.ts';

/** One version of an event as it was when it was released. From then on it may only be added to. */
export interface ReleasedContract {
  type: string;
  version: number;
  exchange: string;
  routingKey: string;
  /** JSON Schema of the data. */
  schema: JsonSchema;
}

/** What is to be recorded of a contract at its release. */
export function toReleased({ type, version, exchange, routingKey, schema }: EventContract): ReleasedContract {
  return { type, version, exchange, routingKey, schema: plainSchema(schema) };
}

/**
 * Makes sure that whoever reads or has written a released version of an event still can. In place a version may gain optional fields and
 * other descriptions, and that is all: a narrower schema refuses the messages of old logs, a wider one lets new messages out that
 * consumers of the old release refuse.
 * @throws `CONTRACT_BROKEN` with everything that changed
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
    : ['the catalogue knows it no more'];
  if (changes.length === 0) return;
  throw contractErrors.CONTRACT_BROKEN(
    `${type} v${version} is released, and there are logs and services that hold to it:\n${changes
      .map((change) => `  ${change}\n`)
      .join('')}Leave it as it was and declare the next version with defineNextVersion (docs/changing-events.md)`,
  );
}

/** What may change without a meaning for any validator. */
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
    ...[...present].filter((name) => !old.has(name)).map((name) => `${path}/${name} is required now`),
    ...[...old].filter((name) => !present.has(name)).map((name) => `${path}/${name} is not required any more`),
  ];
}

function differences(what: string, before: unknown, now: unknown): string[] {
  const shown = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value));
  return isDeepStrictEqual(before, now) ? [] : [`${what} was ${shown(before)}, is ${shown(now)}`];
}
