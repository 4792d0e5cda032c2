import type { IncomingMessage } from 'node:http';
import type { Parsed } from './invalid-request.ts';

/** An entity tag (RFC 9110, section 8.8.3), up to the comma behind it. */
const ENTITY_TAG = /\s*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*)?(?:,|$)/y;
const VERSION = /^[1-9]\d{0,14}$/;
const WANTED = 'must be * or a list of ETags, each in double quotes as the answer had it: "3"';

/**
 * The versions that the header `If-Match` (RFC 9110, section 13.1.1) allows to be changed, of something whose ETag is that of {@link etagOf}.
 * Undefined when any may: without the header, or with `*`, since what does not exist is not found anyway. Empty when no version can match:
 * a weak tag (`W/"3"`) never does, nor does a tag that no version has.
 */
export function parseIfMatch({ headers }: Pick<IncomingMessage, 'headers'>): Parsed<readonly number[] | undefined> {
  const given = headers['if-match'];
  if (given === undefined || given.trim() === '*') return { value: undefined };
  const tags = tagsOf(given);
  if (tags.length === 0) return { faults: [{ path: 'If-Match', message: WANTED }] };
  return { value: tags.flatMap(({ weak, text }) => (!weak && VERSION.test(text) ? Number(text) : [])) };
}

/** The tags of a list, in which empty members count for nothing (section 5.6.1); none when it is malformed. */
function tagsOf(list: string): { weak: boolean; text: string }[] {
  const tags: { weak: boolean; text: string }[] = [];
  ENTITY_TAG.lastIndex = 0;
  while (ENTITY_TAG.lastIndex < list.length) {
    const [, weak, text] = ENTITY_TAG.exec(list) ?? [];
    if (ENTITY_TAG.lastIndex === 0) return [];
    if (text !== undefined) tags.push({ weak: weak !== undefined, text });
  }
  return tags;
}
