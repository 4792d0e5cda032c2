/** Who mails come from. */
export interface SenderAddress {
  /** Empty when there is none. */
  name: string;
  address: string;
}

const ADDRESS = /^[^\s<>@"]+@[^\s<>@"]+$/;

/**
 * Reads `no-reply@example.com` or `Example <no-reply@example.com>`.
 * @throws Error that says what is wanted
 */
export function parseSenderAddress(text: string): SenderAddress {
  const [, name = '', inBrackets] = /^([^<>\p{Cc}]*)<([^<>]*)>$/u.exec(text) ?? [];
  const address = inBrackets ?? text;
  if (ADDRESS.test(address)) return { name: name.trim(), address };
  throw new Error('must be an address, or a name and an address in angle brackets');
}
