import type { IncomingMessage } from 'node:http';
import type { Parsed } from './invalid-request.ts';

/** An entity tag (RFC 9110, section 8.8.3), up to the comma that follows it. */
const ENTITY_TAG = /\s*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*)?(?:,|$)/y;
const VERSION = /^[1-9]\d{0,14}$/;
const WANTED = 'must be * or a list of ETags, each in double quotes as in the response: "3"';

/**
 * The versions that `If-Match` (RFC 9110, section 13.1.1) accepts, for a resource whose ETag comes from {@link etagOf}. Undefined if any
 * version will do: without the header, or with `*`, because a missing resource is a 404 anyway. Empty when no version can match: neither a
 * weak tag (`W/"3"`) nor a tag that is no version ever does.
 */
export function parseIfMatch({ headers }: Pick<IncomingMessage, 'headers'>): Parsed<readonly number[] | undefined> {
  const given = headers['if-match'];
  if (given === undefined || given.trim() === '*') return { value: undefined };
  const tags = tagsOf(given);
  if (tags.length === 0) return { faults: [{ path: 'If-Match', message: WANTED }] };
  return { value: tags.flatMap(({ weak, text }) => (!weak && VERSION.test(text) ? Number(text) : [])) };
}

/** The tags of a list; empty members are ignored (section 5.6.1). Empty when the list is malformed. */
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
