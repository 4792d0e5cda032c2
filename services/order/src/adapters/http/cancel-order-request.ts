import { createValidator } from '@warren/contracts';
import { type Parsed, parseBy } from '@warren/http';
import { type Static, Type } from 'typebox';

const CancelOrderBody = Type.Object(
  {
    reason: Type.Optional(
      Type.String({
        pattern: '^[^\\p{Cc}\\p{Cs}]{1,500}$',
        wanted: 'must be 1 to 500 characters without control characters',
      }),
    ),
  },
  { additionalProperties: false, wanted: 'must be an object' },
);
type CancelOrderBody = Static<typeof CancelOrderBody>;

const validator = createValidator(CancelOrderBody);

/** The body of `POST /orders/:id/cancel` if it is valid, else every fault of it. */
export const parseCancelOrder = (body: unknown): Parsed<CancelOrderBody> => parseBy(validator, body);
