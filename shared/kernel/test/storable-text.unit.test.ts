import { describe, expect, it, test } from '@jest/globals';
import { findUnstorableText, mayHoldUnstorableText, toStorableJson, toStorableText } from '../src/index.ts';

describe('text that can be stored', () => {
  test.each([
    ['plain', 'plain'],
    ['a\u0000b', 'a\uFFFDb'],
    ['\ud83d\ude00 \ud83d', '\ud83d\ude00 \uFFFD'],
    ['\ude00\ud83d', '\uFFFD\uFFFD'],
    ['\u0001\u007f', '\u0001\u007f'],
  ])('when a text is %j, then it is stored as %j, also as JSON', (text, stored) => {
    expect(toStorableText(text)).toBe(stored);
    for (const json of [JSON.stringify({ [text]: [text] }), escaped({ [text]: [text] })])
      expect(JSON.parse(toStorableJson(json))).toEqual({ [stored]: [stored] });
  });

  it('when a JSON text only quotes such an escape, then nothing is found and nothing is replaced', () => {
    const value = { a: '\\u0000', b: '\\\\ud800', 'c\\': '\ud83d\ude00' };
    expect([toStorableJson(JSON.stringify(value)), toStorableJson(escaped(value))]).toEqual([
      JSON.stringify(value),
      escaped(value),
    ]);
    expect(findUnstorableText(value)).toBeUndefined();
    expect(mayHoldUnstorableText('{"a":"ud800 \\u001f"}')).toBe(false);
  });

  test.each([
    ['\u0000', ''],
    [{ a: { b: ['x', '\ud800'] } }, '/a/b/1'],
    [{ 'a/b~': { '\u0000': 1 } }, '/a~1b~0/\uFFFD'],
    [[null, 1, true, { deep: 'a\u0000' }], '/3/deep'],
    [JSON.parse('{"__proto__":"\\u0000"}'), '/__proto__'],
  ])('when %j has one, then it is found at %j', (value, path) => {
    expect(findUnstorableText(value)).toBe(path);
  });

  it('when a value is nested a hundred thousand levels deep, then it is still searched', () => {
    const json = `${'['.repeat(100_000)}"\\u0000"${']'.repeat(100_000)}`;
    expect(findUnstorableText(JSON.parse(json))).toBe('/0'.repeat(100_000));
  });
});

/** The JSON of a program that writes only ASCII. */
const escaped = (value: unknown) =>
  JSON.stringify(value).replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
