import { AnalyticsUpdated } from './analytics-events.ts';
import { createCatalogue } from './catalogue.ts';
import { InventoryReleased, InventoryReserved, InventoryUnavailable, ReceiveStock } from './inventory-events.ts';
import { CustomerNotified, WelcomeEmailSent } from './notification-events.ts';
import { OrderCancelled, OrderCreated, OrderPaid, OrderShipped, OrderStatusUpdated } from './order-events.ts';
import { PaymentFailed, PaymentProcessed, PaymentRefunded } from './payment-events.ts';
import { systemEvents } from './system-events.ts';
import { UserDeactivated, UserEmailChanged, UserRegistered } from './user-events.ts';

export * from './aggregate.ts';
export * from './analytics-events.ts';
export * from './catalogue.ts';
export * from './contract-errors.ts';
export * from './email-address.ts';
export * from './event-contract.ts';
export * from './event-versions.ts';
export * from './inventory-events.ts';
export * from './json-schema.ts';
export * from './notification-events.ts';
export * from './order-events.ts';
export * from './order-total.ts';
export * from './order-view.ts';
export * from './payment-events.ts';
export * from './publisher.ts';
export * from './released-contract.ts';
export * from './request.ts';
export * from './system-events.ts';
export * from './text.ts';
export * from './topology.ts';
export * from './user-events.ts';
export * from './validator.ts';

/** Every message of the system. Spread `systemCatalogue.contracts` into a catalogue of your own to add to it. */
export const systemCatalogue = createCatalogue([
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
