import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Settings } from 'typebox/system';
import { registerDateTime } from './date-time.ts';

Settings.Set({ maxErrors: 1000 });
registerDateTime();

/** One fault of a value. `path` is a JSON Pointer (RFC 6901) into the value; '' is the whole value. */
export interface Fault {
  path: string;
  message: string;
}

export interface Validator<Value> {
  /** True if the value matches the schema. The fast path: compiled code that builds no list. */
  is(value: unknown): value is Value;
  /** Returns every fault of the value; empty if it is valid. */
  faults(value: unknown): Fault[];
}

/**
 * Compiles a schema on first use. The `wanted` text of a schema ("must be 1 to 128 characters …") replaces the generic message of its
 * pattern. A union with a `wanted` text is reported as one fault, not as one for each branch.
 */
export function createValidator<Schema extends TSchema>(schema: Schema): Validator<Static<Schema>> {
  let compiled: ReturnType<typeof Compile> | undefined;
  const validator = () => {
    compiled ??= Compile(schema);
    return compiled;
  };
  return {
    is: (value): value is Static<Schema> => validator().Check(value),
    faults: (value) => (validator().Check(value) ? [] : describe(schema, validator().Errors(value))),
  };
}

interface SchemaError {
  keyword: string;
  schemaPath: string;
  instancePath: string;
  params: object;
  message: string;
}

function describe(schema: TSchema, errors: SchemaError[]): Fault[] {
  const faults: Fault[] = [];
  for (const error of errors) {
    if (isOfBranch(schema, error.schemaPath)) continue;
    const { requiredProperties, additionalProperties } = error.params as Record<string, string[] | undefined>;
    if (error.keyword === 'required' && requiredProperties) {
      faults.push(...requiredProperties.map((name) => at(error, name, 'is required')));
    } else if (error.keyword === 'additionalProperties' && additionalProperties) {
      faults.push(...additionalProperties.map((name) => at(error, name, 'is not a known field')));
    } else if (error.keyword !== 'boolean') {
      faults.push({ path: error.instancePath, message: wantedAt(schema, error.schemaPath) ?? error.message });
    }
  }
  return faults;
}

const at = (error: SchemaError, name: string, message: string): Fault => ({
  path: `${error.instancePath}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
  message,
});

/** True for a fault in one branch of a union that has its own `wanted` text. */
function isOfBranch(schema: TSchema, schemaPath: string): boolean {
  const keys = schemaPath.split('/');
  return keys.some((key, at) => key === 'anyOf' && wantedAt(schema, keys.slice(0, at).join('/')) !== undefined);
}

function wantedAt(schema: TSchema, schemaPath: string): string | undefined {
  let node: unknown = schema;
  for (const key of schemaPath.split('/').slice(1)) node = (node as Record<string, unknown> | undefined)?.[key];
  const wanted = (node as { wanted?: unknown } | undefined)?.wanted;
  return typeof wanted === 'string' ? wanted : undefined;
}
