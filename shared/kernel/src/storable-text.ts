// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for, beside half a surrogate pair
const UNSTORABLE = /[\u{0}\p{Cs}]/u;
const EACH_UNSTORABLE = new RegExp(UNSTORABLE, 'gu');

/**
 * Replaces what a database or another service cannot keep with U+FFFD. Postgres stores U+0000 in neither `text` nor `jsonb` and fails when
 * it reads inside a `json` that contains one; UTF-8 cannot express half a surrogate pair.
 */
export const toStorableText = (text: string): string => text.replace(EACH_UNSTORABLE, '\uFFFD');

/** How JSON escapes them. A whole pair (`\ud83d\ude00`) starts the same way. */
const SUSPICIOUS = /\\u(?:0000|d[89a-f])/i;

/** False when a JSON text certainly has nothing that {@link findUnstorableText} finds. Far faster than searching the value. */
export const mayHoldUnstorableText = (json: string): boolean => SUSPICIOUS.test(json);

/** Every escape in a JSON text: a whole surrogate pair, one to replace, any other. */
const ESCAPES = /\\(?:(ud[89ab][\da-f]{2}\\ud[c-f][\da-f]{2})|(u0000|ud[89a-f][\da-f]{2})|.)/gi;

/** Applies {@link toStorableText} to all strings and names in a JSON text. */
export function toStorableJson(json: string): string {
  if (!mayHoldUnstorableText(json)) return json;
  return json.replace(ESCAPES, (spelt: string, _pair: string | undefined, unstorable: string | undefined) =>
    unstorable === undefined ? spelt : '\\ufffd',
  );
}

/** An object or array still to be searched, and where it was found. */
interface Branch {
  value: object;
  key?: string;
  parent?: Branch;
}

/**
 * The JSON Pointer (RFC 6901) of a string or member name that {@link toStorableText} would change; undefined when there is none. Accepts
 * untrusted values of any depth.
 */
export function findUnstorableText(value: unknown): string | undefined {
  if (typeof value === 'string') return UNSTORABLE.test(value) ? '' : undefined;
  const open: Branch[] = isBranch(value) ? [{ value }] : [];
  for (let branch = open.pop(); branch; branch = open.pop()) {
    for (const [key, member] of Object.entries(branch.value)) {
      const found = UNSTORABLE.test(key) || (typeof member === 'string' && UNSTORABLE.test(member));
      if (found) return pointerTo(branch, key);
      if (isBranch(member)) open.push({ value: member, key, parent: branch });
    }
  }
  return undefined;
}

const isBranch = (value: unknown): value is object => typeof value === 'object' && value !== null;

function pointerTo(branch: Branch, key: string): string {
  const keys = [key];
  for (let at: Branch | undefined = branch; at?.key !== undefined; at = at.parent) keys.push(at.key);
  return keys
    .toReversed()
    .map((one) => `/${toStorableText(one).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}
