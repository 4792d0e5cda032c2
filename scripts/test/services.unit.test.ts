import { expect, test } from '@jest/globals';
import { settingsOf } from '@warren/service';
import { mailCatcherSettings } from '../../mail-catcher/src/config.ts';
import { analyticsSettings } from '../../services/analytics/src/config.ts';
import { inventoryService } from '../../services/inventory/src/service.ts';
import { notificationService } from '../../services/notification/src/service.ts';
import { orderService } from '../../services/order/src/service.ts';
import { paymentService } from '../../services/payment/src/service.ts';
import { userService } from '../../services/user/src/service.ts';
import { SERVICE_SETTINGS, withoutServiceSettings } from '../lib/services.mjs';

test('when a service reads a setting, then npm test keeps it from the services under test', () => {
  const specs = [
    settingsOf(orderService),
    settingsOf(inventoryService),
    settingsOf(userService),
    settingsOf(notificationService),
    analyticsSettings,
    settingsOf(paymentService),
    mailCatcherSettings,
  ];
  const read = specs.flatMap((spec) => Object.values(spec).map(({ env }) => env));
  expect(new Set(SERVICE_SETTINGS)).toEqual(new Set([...read, 'DATA_DIR']));
  expect(withoutServiceSettings({ PATH: '/bin', LOG_LEVEL: 'silent', AMQP_URL: 'amqp://mine' })).toEqual({
    PATH: '/bin',
  });
});
