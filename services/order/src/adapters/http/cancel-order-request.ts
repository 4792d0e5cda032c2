import { createValidator, type Fault } from '@warren/contracts';
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
export function parseCancelOrder(body: unknown): { value: CancelOrderBody } | { faults: Fault[] } {
  return validator.is(body) ? { value: body } : { faults: validator.faults(body) };
}
