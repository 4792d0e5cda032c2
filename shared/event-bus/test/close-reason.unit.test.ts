import { describe, expect, test } from '@jest/globals';
import { outcomeAfterClose } from '../src/amqp/close-reason.ts';
import { encodeEvent } from '../src/event-codec.ts';
import { Placed, placed } from './shop-events.ts';

const message = encodeEvent(placed(), Placed, true);
const size = message.body.length;
const closed = (code: string, text: string) => `Channel closed by server: ${code} with message "${text}"`;

describe('why the broker closed a publishing channel', () => {
  test.each([
    [
      'configured max',
      closed(
        '406 (PRECONDITION-FAILED)',
        `PRECONDITION_FAILED - message size 900 is larger than configured max size ${size - 1}`,
      ),
    ],
    [
      'max',
      closed('406 (PRECONDITION-FAILED)', `PRECONDITION_FAILED - message size 900 is larger than max size ${size - 1}`),
    ],
  ])('when a message exceeds the %s size, then it is unsendable', (_, reason) => {
    expect(outcomeAfterClose(message, reason)).toMatchObject({
      status: 'unsendable',
      reason: expect.stringContaining(`${size}`),
    });
  });

  test('when another message was too large, then the outcome of this one is unknown', () => {
    const reason = closed('406 (PRECONDITION-FAILED)', `message size 900 is larger than configured max size ${size}`);
    expect(outcomeAfterClose(message, reason)).toEqual({ status: 'unknown', reason });
  });

  test.each([
    [true, closed('404 (NOT-FOUND)', "NOT_FOUND - no exchange 'shop' in vhost '/'")],
    [false, closed('404 (NOT-FOUND)', "NOT_FOUND - no exchange 'shop2' in vhost '/'")],
    [
      true,
      closed('403 (ACCESS-REFUSED)', "ACCESS_REFUSED - access to exchange 'shop' in vhost '/' refused for user 'w'"),
    ],
    [
      true,
      closed(
        '403 (ACCESS-REFUSED)',
        "ACCESS_REFUSED - write access to exchange 'shop' in vhost '/' refused for user 'w'",
      ),
    ],
    [
      false,
      closed('403 (ACCESS-REFUSED)', "ACCESS_REFUSED - access to exchange 'other' in vhost '/' refused for user 'w'"),
    ],
    [
      true,
      closed(
        '403 (ACCESS-REFUSED)',
        "ACCESS_REFUSED - access to topic 'shop.placed' in exchange 'shop' in vhost '/' refused for user 'w'",
      ),
    ],
    [
      false,
      closed(
        '403 (ACCESS-REFUSED)',
        "ACCESS_REFUSED - access to topic 'shop.renamed' in exchange 'shop' in vhost '/' refused for user 'w'",
      ),
    ],
    [false, 'connection lost'],
  ])('when the broker names what it refuses, then the route is at fault: %s for %s', (refused, reason) => {
    expect(outcomeAfterClose(message, reason)).toEqual({
      status: 'unknown',
      reason,
      ...(refused && { routeFault: 'refused' }),
    });
  });
});
