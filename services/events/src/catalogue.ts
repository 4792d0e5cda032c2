import { createCatalogue, systemEvents } from '@warren/contracts';
import { AnalyticsUpdated } from './analytics.ts';
import { InventoryReleased, InventoryReserved, InventoryUnavailable, ReceiveStock } from './inventory.ts';
import { CustomerNotified, WelcomeEmailSent } from './notification.ts';
import { OrderCancelled, OrderCreated, OrderPaid, OrderShipped, OrderStatusUpdated } from './order.ts';
import { PaymentFailed, PaymentProcessed, PaymentRefunded } from './payment.ts';
import { UserDeactivated, UserEmailChanged, UserRegistered } from './user.ts';

/** Every message of the shop, and the system events. */
export const shopCatalogue = createCatalogue([
  OrderCreated,
  OrderStatusUpdated,
  OrderCancelled,
  OrderPaid,
  OrderShipped,
  InventoryReserved,
  InventoryUnavailable,
  InventoryReleased,
  ReceiveStock,
  UserRegistered,
  UserEmailChanged,
  UserDeactivated,
  AnalyticsUpdated,
  ...systemEvents,
  WelcomeEmailSent,
  CustomerNotified,
  PaymentProcessed,
  PaymentFailed,
  PaymentRefunded,
]);

export type ShopContract = (typeof shopCatalogue.contracts)[number];
