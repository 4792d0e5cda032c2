import { describe, expect, it } from '@jest/globals';
import { ReceiveStock } from '@shop/events/inventory';
import { createValidator } from '@warren/contracts';
import { createId, isId } from '@warren/kernel';
import fc from 'fast-check';
import { parseId, parseProductId, parseQuantity } from '../src/arguments.ts';

/** Whether an argument is taken. */
function takes(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}

const { productId, quantity } = ReceiveStock.schema.properties;

describe('what the arguments accept', () => {
  it('when it is a product id, then it is one for the contract of ReceiveStock, and the other way round', () => {
    const { is } = createValidator(productId);
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.string({ unit: 'grapheme', minLength: 127, maxLength: 129 }),
      fc.constantFrom('\ud800', 'a\udfff', '\u{1f600}'.repeat(128), '\u{1f600}'.repeat(129)),
    );
    fc.assert(fc.property(texts, (text) => takes(parseProductId, text) === is(text)));
  });

  it.each(['0', '1', '1000000000', '1000000001'])('when %s is a quantity, then so it is for the contract', (text) => {
    expect(takes(parseQuantity, text)).toBe(createValidator(quantity).is(Number(text)));
  });

  it.each([
    createId(),
    createId().toUpperCase(),
    crypto.randomUUID(),
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '00000000-0000-0000-0000-000000000001',
    '0192a3b4-c5d6-9e7f-8a9b-0c1d2e3f4a5b',
    '0192a3b4-c5d6-7e7f-ca9b-0c1d2e3f4a5b',
    '{0192a3b4-c5d6-7e7f-8a9b-0c1d2e3f4a5b}',
    '0192a3b4c5d67e7f8a9b0c1d2e3f4a5b',
    '',
  ])('when %s is an id, then so it is for the kernel', (text) => {
    expect(takes(parseId, text)).toBe(isId(text));
  });
});
