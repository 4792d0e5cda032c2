/** The sender of the mails. */
export interface SenderAddress {
  /** The display name; empty when there is none. */
  name: string;
  address: string;
}

const ADDRESS = /^[^\s<>@"]+@[^\s<>@"]+$/;

/**
 * Parses `no-reply@example.com` or `Example <no-reply@example.com>`.
 * @throws Error whose message says what is expected
 */
export function parseSenderAddress(text: string): SenderAddress {
  const [, name = '', inBrackets] = /^([^<>\p{Cc}]*)<([^<>]*)>$/u.exec(text) ?? [];
  const address = inBrackets ?? text;
  if (ADDRESS.test(address)) return { name: name.trim(), address };
  throw new Error('must be an address, or a name and an address in angle brackets');
}
