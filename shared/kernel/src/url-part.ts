import { kernelErrors } from './errors.ts';

/**
 * Decodes the user, password, or path of a URL: percent-encoded UTF-8 (RFC 3986, section 2.5). A `%` that two hexadecimal digits do not follow
 * stands for itself, so a password that was written as it is keeps working.
 * @throws `CONFIG_INVALID` when the encoded bytes are not UTF-8
 */
export function decodeUrlPart(part: string): string {
  try {
    return part.replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch (cause) {
    throw kernelErrors.CONFIG_INVALID(NOT_UTF8, { cause });
  }
}

const NOT_UTF8 =
  'a URL must have its user, password, and path percent-encoded as UTF-8, where ü is %C3%BC and % is %25';
