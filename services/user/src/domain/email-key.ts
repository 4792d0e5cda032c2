/**
 * Two email addresses with the same key are the same address: case is ignored. Addresses are ASCII (see `EmailAddress`), so lower case is
 * unambiguous. RFC 5321 allows a case-sensitive local part, but no mail server in use has one. Nothing else is normalised: what dots and
 * `+tags` mean depends on the provider.
 */
export const emailKeyOf = (email: string): string => email.toLowerCase();
