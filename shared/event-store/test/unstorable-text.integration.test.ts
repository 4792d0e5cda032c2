import { expect, it } from '@jest/globals';
import { published, useRelayFixture } from './relay-fixture.ts';
import { append, ODD_EVENT } from './store-fixture.ts';

const fixture = useRelayFixture();

it('when the log holds text that cannot be stored again, then the relay publishes it with U+FFFD in its place, and goes on', async () => {
  const test = fixture.relayOn(await fixture.open());
  await test.pool.query(ODD_EVENT);
  await append(test.store, 's-1', 0, 2);

  await test.relay.start();

  await published(test.publisher, 1, 2);
  expect(test.publisher.confirmed[0]).toMatchObject({
    data: { n: 1, text: 'a\uFFFDb \u{1F600} \uFFFD', '\uFFFD': 1 },
    metadata: { correlationId: 'c\uFFFD' },
  });
});
