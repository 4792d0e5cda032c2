import { Type } from 'typebox';

const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';

/**
 * An e-mail address that `<input type=email>` accepts (HTML standard, "valid e-mail address"), within the limits of RFC 5321: at most 64
 * characters before the @ and 254 in total. ASCII only: an international domain must be in its DNS form (`xn--…`).
 */
export const EmailAddress = Type.String({
  pattern: `^(?=.{3,254}$)[A-Za-z0-9.!#$%&'*+/=?^_\`{|}~\\-]{1,64}@${LABEL}(?:\\.${LABEL})*$`,
  wanted: 'must be an e-mail address of at most 254 characters',
});
