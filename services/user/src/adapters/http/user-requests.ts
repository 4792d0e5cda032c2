import { createValidator, EmailAddress, ShortText } from '@warren/contracts';
import { parseBy } from '@warren/http';
import { Type } from 'typebox';

const STRICT = { additionalProperties: false, wanted: 'must be an object' };

const registerUser = createValidator(Type.Object({ email: EmailAddress, name: ShortText }, STRICT));
const changeEmail = createValidator(Type.Object({ email: EmailAddress }, STRICT));
const deactivateUser = createValidator(Type.Object({}, STRICT));

/** The body of `POST /users`. */
export const parseRegisterUser = (body: unknown) => parseBy(registerUser, body);

/** The body of `PUT /users/:id/email`. */
export const parseChangeEmail = (body: unknown) => parseBy(changeEmail, body);

/** The body of `POST /users/:id/deactivate`: there is nothing to say. */
export const parseDeactivateUser = (body: unknown) => parseBy(deactivateUser, body);
