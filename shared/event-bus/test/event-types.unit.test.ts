import { expect, test } from '@jest/globals';
import { createCatalogue } from '@warren/contracts';
import { Sold, SoldV1 } from '@warren/testing';
import { createInMemoryBus, EventBus, EventHandler } from '../src/index.ts';
import { Placed, PlacedV2, placed, shopCatalogue } from './shop-events.ts';

// The compiler is the test: each line under an expect-error must not compile (`npm run types`).
test('when an event has the wrong shape, then publishing it does not compile', async () => {
  const bus = createInMemoryBus({ service: 'shop', catalogue: shopCatalogue, topology: [] });
  await bus.connect();
  const { data, ...rest } = placed();

  // @ts-expect-error data without pieces
  await expect(bus.publish({ ...rest, data: {} })).rejects.toMatchObject({ code: 'EVENT_DATA_INVALID' });
  // @ts-expect-error pieces are a number
  await expect(bus.publish({ ...rest, data: { pieces: '3' } })).rejects.toMatchObject({ code: 'EVENT_DATA_INVALID' });
  // @ts-expect-error the data of version 1 in version 2
  await expect(bus.publish({ ...rest, data, version: 2 })).rejects.toMatchObject({ code: 'EVENT_DATA_INVALID' });
  // @ts-expect-error not a contract of this catalogue
  await expect(bus.publish({ ...rest, data, type: 'Sold' })).rejects.toMatchObject({
    code: 'EVENT_TYPE_UNKNOWN',
  });
  // @ts-expect-error no metadata
  await expect(bus.publish({ ...rest, data, metadata: undefined })).rejects.toMatchObject({ code: 'ENVELOPE_INVALID' });
  await bus.close();
});

test('when a handler expects an event that its subscription does not bring, then it does not compile', async () => {
  const bus = createInMemoryBus({ service: 'shop', catalogue: shopCatalogue, topology: [] });
  const subscribe = bus.subscribe.bind(bus);
  const wrong = () => {
    // @ts-expect-error version 1 has pieces, not lines
    void subscribe({ queue: 'q', bindings: [Placed], handler: async ({ data }) => void data.lines });
    // @ts-expect-error both handlers at once
    void subscribe({ queue: 'q', bindings: [Placed], handler: async () => {}, batchHandler: async () => {} });
    // @ts-expect-error a contract of another catalogue
    void subscribe({ queue: 'q', bindings: [Sold], handler: async () => {} });
    const sales = new EventBus({ service: 'sale', url: 'amqp://127.0.0.1', catalogue: createCatalogue([Sold]) });
    // @ts-expect-error its catalogue has no Placed
    void sales.publish(placed());
  };
  expect(wrong).toBeInstanceOf(Function);
  await bus.subscribe({ queue: 'one', bindings: [Placed], handler: async ({ data }) => void data.pieces.toFixed() });
  await bus.subscribe({
    queue: 'two',
    bindings: [Placed, PlacedV2],
    handler: async (event) => {
      if (event.version === 1) event.data.pieces.toFixed();
      else event.data.lines.join();
    },
  });
  await bus.close();
});

test('when a decorated method expects other data than its event has, then it does not compile', () => {
  class Sales {
    @EventHandler(Sold)
    async sold(event: { data: { id: string; currency: string } }) {
      return void event.data.currency;
    }

    // @ts-expect-error Sold v1 has no currency
    @EventHandler(SoldV1)
    async wrong(event: { data: { currency: string } }) {
      return void event.data.currency;
    }

    @EventHandler(SoldV1)
    async right(event: { data: { id: string } }) {
      return void event.data.id;
    }

    @EventHandler('Sold', { version: 1 })
    async any(event: { data: unknown }) {
      return void event.data;
    }

    // @ts-expect-error the data of an event known only by name is unknown
    @EventHandler('Sold')
    async guess(event: { data: { id: string } }) {
      return void event.data.id;
    }
  }
  expect(new Sales()).toBeInstanceOf(Sales);
});
