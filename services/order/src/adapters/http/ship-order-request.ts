import { createValidator } from '@warren/contracts';
import { type Parsed, parseBy } from '@warren/http';
import { Type } from 'typebox';

const validator = createValidator(Type.Object({}, { additionalProperties: false, wanted: 'must be an object' }));

/** The body of `POST /orders/:id/ship` if it is valid, an object without fields; else every fault of it. */
export const parseShipOrder = (body: unknown): Parsed<object> => parseBy(validator, body);
