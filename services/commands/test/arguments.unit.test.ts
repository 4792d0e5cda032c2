import { describe, expect, it } from '@jest/globals';
import { ReceiveStock } from '@shop/events/inventory';
import { createValidator } from '@warren/contracts';
import fc from 'fast-check';
import { parseProductId, parseQuantity } from '../src/arguments.ts';

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
});
