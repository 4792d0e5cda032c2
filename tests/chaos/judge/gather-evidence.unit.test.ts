import { expect, it } from '@jest/globals';
import { readWithoutNews } from './gather-evidence.ts';

const createObserver = () => ({ firstSeen: new Map([['a', 0]]), types: new Map([['a', 'OrderCreated']]) });

it('when a message comes while the tables are read, then they are read again', async () => {
  const observer = createObserver();
  let readings = 0;
  const found = await readWithoutNews(observer, async () => {
    readings += 1;
    const read = [...observer.firstSeen.keys()];
    if (readings === 1) {
      observer.firstSeen.set('b', 1);
      observer.types.set('b', 'AnalyticsUpdated');
    }
    return read;
  });
  expect(found.tables).toEqual(['a', 'b']);
  observer.firstSeen.set('c', 2);
  expect([...found.firstSeen.keys()]).toEqual(['a', 'b']);
});

it('when messages never cease, then reading fails and names the last one', async () => {
  const observer = createObserver();
  let at = 1;
  const reading = readWithoutNews(observer, async () => {
    observer.firstSeen.set(`m${at}`, at);
    observer.types.set(`m${at}`, 'StockUpdated');
    at += 1;
  });
  await expect(reading).rejects.toThrow('at last StockUpdated');
});
