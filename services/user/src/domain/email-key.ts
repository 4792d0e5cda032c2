/**
 * What makes two e-mail addresses the same: they are equal but for capitals. Addresses are ASCII (see `EmailAddress`), so there is one way
 * to write them small. RFC 5321 lets a mail server tell capitals before the @ apart; none in use does, and no person would. Nothing else
 * is folded: dots and `+tags` mean something with one provider and nothing with another.
 */
export const emailKeyOf = (email: string): string => email.toLowerCase();
