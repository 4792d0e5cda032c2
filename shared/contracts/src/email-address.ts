import { Type } from 'typebox';

const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';

/**
 * An e-mail address as `<input type=email>` takes it (HTML standard, "valid e-mail address"), within the lengths of RFC 5321: at most 64
 * characters before the @ and 254 in all. ASCII only: an international domain is given in its form for the DNS (`xn--…`).
 */
export const EmailAddress = Type.String({
  pattern: `^(?=.{3,254}$)[A-Za-z0-9.!#$%&'*+/=?^_\`{|}~\\-]{1,64}@${LABEL}(?:\\.${LABEL})*$`,
  wanted: 'must be an e-mail address of at most 254 characters',
});
