import type { TSchema } from 'typebox';
import { EnvelopeSchema } from './catalogue.ts';
import type { EventContract } from './event-contract.ts';

/** A JSON Schema as plain JSON. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** Returns a self-contained JSON Schema (2020-12) of a contract's messages, envelope and data, for readers in any language. */
export function toJsonSchema(contract: EventContract): JsonSchema {
  const { type, version } = contract;
  const data = plainSchema(contract.schema);
  const { properties, ...envelope } = plainSchema(EnvelopeSchema);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `${type} v${version}`,
    ...(data.description !== undefined && { description: data.description }),
    ...envelope,
    properties: { ...(properties as JsonSchema), type: { const: type }, version: { const: version }, data },
  };
}

/** Returns a schema without keywords that only this program understands: a `wanted` text becomes the description. */
export function plainSchema(schema: TSchema): JsonSchema {
  const readable = (_: string, value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || !('wanted' in value)) return value;
    const { wanted, ...keywords } = value;
    return typeof wanted === 'string' ? { description: wanted, ...keywords } : value;
  };
  return JSON.parse(JSON.stringify(schema, readable));
}
