import { describe, expect, it } from '@jest/globals';
import { loadSettings } from '@warren/kernel';
import { settingsOf } from '@warren/service';
import { analyticsService } from '../../services/analytics/src/service.ts';
import { inventoryService } from '../../services/inventory/src/service.ts';
import { orderService } from '../../services/order/src/service.ts';
import { orderSettings } from '../../services/order/src/settings.ts';

const required = { AMQP_URL: 'amqp://localhost', DATABASE_URL: 'postgres://localhost/warren' };
const order = { ...loadSettings(settingsOf(orderService), required), ...loadSettings(orderSettings, {}) };

describe('the defaults of the services', () => {
  it('when the stream is replayed from its beginning, then what is in it twice is still remembered', () => {
    const { streamMaxAgeMs, inboxKeepMs } = loadSettings(settingsOf(analyticsService), required);
    expect(inboxKeepMs).toBeGreaterThanOrEqual(streamMaxAgeMs ?? Number.NaN);
  });

  it.each([
    ['order', order],
    ['inventory', loadSettings(settingsOf(inventoryService), required)],
  ])('when a queue of the %s service rests, then its orders do not time out meanwhile (adr/0006)', (_, settings) => {
    expect(settings.breakerResetMs).toBeLessThanOrEqual(order.deadlineMs / 4);
  });
});
