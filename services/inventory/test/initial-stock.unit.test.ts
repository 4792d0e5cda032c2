import { describe, expect, it } from '@jest/globals';
import { parseInitialStock } from '../src/domain/initial-stock.ts';

describe('INITIAL_STOCK', () => {
  it('when it lists products, then each has its quantity', () => {
    expect(parseInitialStock('item1:100, item2:50')).toEqual([
      { productId: 'item1', quantity: 100 },
      { productId: 'item2', quantity: 50 },
    ]);
  });

  it('when a product id holds colons, then the quantity is what follows the last one', () => {
    expect(parseInitialStock('urn:isbn:42:7')).toEqual([{ productId: 'urn:isbn:42', quantity: 7 }]);
  });

  it('when it is "none", then the warehouse starts empty', () => {
    expect(parseInitialStock('none')).toEqual([]);
  });

  it('when several parts are wrong, then the message names every one of them', () => {
    const text = 'item1:-1,item2,:3,item3:1.5,item4:2,item4:3,item5:1000000001';
    expect(() => parseInitialStock(text)).toThrow(
      /"item1:-1" is not .*"item2" is not .*":3" is not .*"item3:1.5" is not .*item4 is listed twice.*"item5:1000000001" is not/,
    );
  });

  it.each(['', ',', 'a:1,', 'a:0', 'a:NaN', 'a:1e3', `${'x'.repeat(129)}:1`, 'a\u0000b:1'])(
    'when it is %j, then it is refused',
    (text) => {
      expect(() => parseInitialStock(text)).toThrow(/must be "none" or <product>:<quantity>/);
    },
  );
});
