import { createValidator } from '@warren/contracts';
import type { TObject, TSchema } from 'typebox';
import type { Parsed } from './invalid-request.ts';
import type { RequestFault } from './problem-details.ts';

/** Integers are parsed from their digits; everything else stays text. */
const DIGITS = /^\d{1,15}$/;

/**
 * Returns a parser for the query of a request. The fields of the schema are texts and integers; an omitted field takes its `default`. An
 * unknown parameter is a fault: a typo must not select everything.
 */
export function createQueryParser(schema: TObject): (query: Record<string, unknown>) => Parsed<object> {
  const { properties, required = [] } = schema as { properties: Record<string, TSchema>; required?: readonly string[] };
  const parameters = new Map(Object.entries(properties).map(([name, schema]) => [name, createParameter(schema)]));
  const defaults = Object.fromEntries(
    Object.entries(properties).flatMap(([name, schema]) => ('default' in schema ? [[name, schema.default]] : [])),
  );
  return (query) => {
    const value: Record<string, unknown> = { ...defaults };
    const faults: RequestFault[] = [];
    for (const [path, given] of Object.entries(query)) {
      const parsed = parameters.get(path)?.(given) ?? { fault: 'is not a known parameter' };
      if ('fault' in parsed) faults.push({ path, message: parsed.fault });
      else value[path] = parsed.value;
    }
    for (const path of parameters.keys())
      if (required.includes(path) && !(path in value || path in query)) faults.push({ path, message: 'is required' });
    return faults.length > 0 ? { faults } : { value };
  };
}

function createParameter(schema: TSchema) {
  const validator = createValidator(schema);
  const isInteger = 'type' in schema && schema.type === 'integer';
  const isTime = 'format' in schema && schema.format === 'date-time';
  // In a query a plus sign means a space, so `+02:00` arrives as ` 02:00`.
  const hasLostPlus = (given: string) => validator.is(given.replace(/ (?=\d\d:\d\d$)/, '+'));
  return (given: unknown): { value: unknown } | { fault: string } => {
    if (typeof given !== 'string') return { fault: 'may be given only once' };
    const value = isInteger && DIGITS.test(given) ? Number(given) : given;
    if (validator.is(value)) return { value };
    const fault = validator.faults(value)[0]?.message ?? 'is not valid';
    return { fault: isTime && hasLostPlus(given) ? `${fault}; write the plus sign of an offset as %2B` : fault };
  };
}
