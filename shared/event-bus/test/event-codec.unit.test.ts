import { describe, expect, test } from '@jest/globals';
import { createCatalogue } from '@warren/contracts';
import { decodeEvent, encodeEvent } from '../src/event-codec.ts';
import { Placed, placed } from './shop-events.ts';

const catalogue = createCatalogue([Placed]);
const event = placed();

/** The event with members that its contract does not name: they are kept, so they must be storable too. */
const withMetadata = (more: object) => ({ ...event, metadata: { ...event.metadata, ...more } });
const withData = (more: object) => ({ ...event, data: { ...event.data, ...more } });

describe('text of an event that cannot be stored', () => {
  test.each([
    ['the correlation id', withMetadata({ correlationId: 'a\u0000' }), '/metadata/correlationId'],
    ['other metadata', withMetadata({ tenant: { name: '\u0000' } }), '/metadata/tenant/name'],
    ['the trace context', withMetadata({ traceparent: '\u0000' }), '/metadata/traceparent'],
    ['a string of the data', withData({ notes: ['fine', 'not \u0000 fine'] }), '/data/notes/1'],
    ['a name in the data', withData({ 'a\u0000': 1 }), '/data/a\uFFFD'],
    ['a member of the envelope', { ...event, extra: '\u0000' }, '/extra'],
    ['half a surrogate pair', withData({ note: 'cut \ud83d' }), '/data/note'],
    ['the other half', withData({ note: '\ude00 cut' }), '/data/note'],
  ])('when it is in %s, then the event is neither accepted nor published', (_, odd, path) => {
    const invalid = { code: 'EVENT_TEXT_INVALID', kind: 'invalid', message: expect.stringContaining(`at ${path} `) };
    expect(() => decodeEvent(catalogue, Buffer.from(JSON.stringify(odd)))).toThrow(expect.objectContaining(invalid));
    expect(() => encodeEvent(odd, Placed, true)).toThrow(expect.objectContaining(invalid));
  });

  test('when it is only quoted, or both halves are present, then the event is accepted unchanged', () => {
    const fine = withData({ note: 'write \\u0000 for NUL, \\\\ud83d', smile: '\ud83d\ude00', control: '\u0001' });
    const body = Buffer.from(JSON.stringify(fine));
    expect(decodeEvent(catalogue, body)).toEqual(fine);
    expect(decodeEvent(catalogue, Buffer.from(String(body).replace('\ud83d\ude00', '\\ud83d\\ude00')))).toEqual(fine);
    expect(encodeEvent(fine, Placed, true).body).toEqual(body);
  });
});
