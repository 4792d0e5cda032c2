import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';
import type { OrderView } from '@shop/events/order-view';
import { waitForEnd } from '../src/adapters/http/wait-for-end.ts';

test('when the client has left before its order was stored, then no place among the followers is taken', async () => {
  const order = { id: 'order-1', status: 'pending' } as OrderView;
  const req = { headers: { prefer: 'wait=20' } } as unknown as IncomingMessage;
  const res = { closed: true, once: () => undefined, off: () => undefined, setHeader: () => undefined };
  let waiting = 0;
  const orders = {
    canFollow: () => true,
    waitForEnd: async () => {
      waiting += 1;
      return order;
    },
  };
  expect(await waitForEnd(order, { req, res: res as unknown as ServerResponse, orders })).toBe(order);
  expect(waiting).toBe(0);
});
