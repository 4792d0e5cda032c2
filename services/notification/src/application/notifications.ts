import { createNoteOrders, type OrderMessage } from './note-orders.ts';
import { createNoteUsers, type UserNews } from './note-users.ts';
import type { NotificationDependencies } from './notification-dependencies.ts';
import { createSendMails, type SendReport } from './send-mails.ts';

/** Everything that the notification service can do. Batches of messages are handled as one: all or nothing. */
export interface Notifications {
  noteUsers(messages: readonly UserNews[]): Promise<void>;
  noteOrders(messages: readonly OrderMessage[]): Promise<void>;
  /** Deals with up to `limit` mails whose time has come. */
  sendMails(limit: number): Promise<SendReport>;
}

/** @param stopping aborted when the service stops */
export function createNotifications(dependencies: NotificationDependencies, stopping: AbortSignal): Notifications {
  return {
    noteUsers: createNoteUsers(dependencies),
    noteOrders: createNoteOrders(dependencies),
    sendMails: createSendMails(dependencies, stopping),
  };
}
