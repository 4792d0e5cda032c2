import { kernelErrors } from './errors.ts';

const MUST_BE_UTF8 = 'must have its user, password, and path percent-encoded as UTF-8 (ü is %C3%BC, % is %25)';

/**
 * Rejects a URL whose user, password, or path cannot be decoded.
 * @throws an `Error` that says what the URL must have
 */
export function requireDecodable({ username, password, pathname }: URL): void {
  try {
    for (const part of [username, password, pathname]) decodeUrlPart(part);
  } catch {
    throw new Error(MUST_BE_UTF8);
  }
}

/**
 * Decodes the user, password, or path of a URL: percent-encoded UTF-8 (RFC 3986, section 2.5). A `%` without two hexadecimal digits after
 * it stands for itself, so that a password written unencoded keeps working.
 * @throws `CONFIG_INVALID` when the encoded bytes are not UTF-8
 */
export function decodeUrlPart(part: string): string {
  try {
    return part.replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch (cause) {
    throw kernelErrors.CONFIG_INVALID(`a URL ${MUST_BE_UTF8}`, { cause });
  }
}
