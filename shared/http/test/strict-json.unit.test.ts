import { describe, expect, test } from '@jest/globals';
import { parseStrictJson } from '@warren/http';
import fc from 'fast-check';

const faultOf = (text: string): unknown => {
  try {
    return parseStrictJson(text);
  } catch (error) {
    return (error as { code: string; message: string }).message;
  }
};

describe('strict JSON', () => {
  test('when any JSON value without prototype keys is parsed, then the result is that of JSON.parse', () => {
    const value = fc.jsonValue({ maxDepth: 5 });
    fc.assert(
      fc.property(value, (one) => {
        const text = JSON.stringify(one);
        fc.pre(!/"(__proto__|constructor|prototype)":/.test(text));
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test.each([
    ['{"a":1,"a":2}', 'the key "a" appears twice in one object of the body'],
    ['{"a":1,"\\u0061":2}', 'the key "a" appears twice in one object of the body'],
    ['{"list":[{"a":1},{"a":1,"b":{"c":1,"c":1}}]}', 'the key "c" appears twice in one object of the body'],
    ['{"__proto__":{"admin":true}}', 'the key "__proto__" is not allowed in a body'],
    ['{"a":{"\\u005f_proto__":1}}', 'the key "__proto__" is not allowed in a body'],
    ['{"constructor":{"prototype":{}}}', 'the key "constructor" is not allowed in a body'],
    ['{"price":1e400}', 'the number "1e400" in the body is too large'],
    [
      '{"price":10.999999999999999999}',
      'the number "10.999999999999999999" in the body has more digits than can be kept',
    ],
    ['{"price":9007199254740993}', 'the number "9007199254740993" in the body has more digits than can be kept'],
    ['{"a":{"b":["c\\u0000"]}}', 'the text at "/a/b/0" must not contain U+0000 or half of a surrogate pair'],
    ['{"a\\ud83d":1}', 'the text at "/a\uFFFD" must not contain U+0000 or half of a surrogate pair'],
    [`${'['.repeat(33)}${']'.repeat(33)}`, 'the body is nested deeper than 32 levels'],
    [`${'['.repeat(49_000)}${']'.repeat(49_000)}`, 'the body is nested deeper than 32 levels'],
  ])('when the text is %.60s, then it is rejected with the reason', (text, message) => {
    expect(faultOf(text)).toBe(message);
  });

  test.each(['{"a":1', '{"a":NaN}', "{'a':1}", '{"a":1,}', '', 'undefined', '{"a":01}', '\u0000'])(
    'when the text is %j, which is not JSON, then it is rejected as BODY_MALFORMED',
    (text) => {
      expect(() => parseStrictJson(text)).toThrow(expect.objectContaining({ code: 'BODY_MALFORMED' }));
    },
  );

  test.each([
    ['[{"a":1},{"a":1}]', [{ a: 1 }, { a: 1 }]],
    ['{"a":"\\\\u0000","b":"\\ud83d\\ude00"}', { a: '\\u0000', b: '\ud83d\ude00' }],
    ['{"a":{"a":1},"b":"a\\":{,"}', { a: { a: 1 }, b: 'a":{,' }],
    [
      '[1.10000000000000000000, 0.30000000000000004, 1e3, -0.5, 100000000000000000000]',
      [1.1, 0.1 + 0.2, 1000, -0.5, 1e20],
    ],
    [`${'['.repeat(32)}${']'.repeat(32)}`, JSON.parse(`${'['.repeat(32)}${']'.repeat(32)}`)],
  ])('when the text is %.60s, then it is accepted', (text, value) => {
    expect(parseStrictJson(text)).toEqual(value);
  });
});
