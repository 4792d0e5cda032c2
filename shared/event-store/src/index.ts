export * from './database/create-leader.ts';
export * from './database/create-pool.ts';
export * from './database/database-component.ts';
export * from './database/database-settings.ts';
export * from './database/database-target.ts';
export * from './database/migrate.ts';
export * from './database/retry-while-away.ts';
export type { SessionLock } from './database/session-lock.ts';
export * from './deadlines/answer-consumers.ts';
export * from './deadlines/define-deadline.ts';
export * from './deadlines/overdue.ts';
export * from './log/claim-fresh.ts';
export * from './log/create-event-store.ts';
export * from './log/event-store.ts';
export * from './log/event-store-migrations.ts';
export * from './log/history-entry.ts';
export type { IdempotencyKeys, KeyUse } from './log/idempotency-key-uses.ts';
export * from './log/idempotency-keys.ts';
export * from './log/store-alerts.ts';
export * from './log/store-errors.ts';
export * from './log/stream-id.ts';
export * from './operations/archive-streams.ts';
export * from './operations/rebuild/rebuild-progress.ts';
export * from './operations/rebuild/rebuild-projection.ts';
export * from './operations/retention.ts';
export * from './operations/retention-rule.ts';
export * from './relay/confirm-history.ts';
export * from './relay/create-relay.ts';
export * from './relay/relay.ts';
export * from './relay/relay-alerts.ts';
export { isOf, replay, toLatest } from './store/aggregate-log.ts';
export type { Asked, Outcome } from './store/decide-aggregate.ts';
export type { MessageWriter, Reaction, Reactions } from './store/handle-messages.ts';
export { defineProjection, type Projection } from './store/projection.ts';
export { defineReadModel, type ReadModel } from './store/read-model.ts';
export { requireColumns } from './store/require-columns.ts';
export { type SharedChange, type SharedRows, uniqueClaims } from './store/shared-rows.ts';
export { type NumberedSql, rows, type Sql, sql, touching, type Write } from './store/sql.ts';
export {
  createStore,
  type ServiceStore,
  type Store,
  type StoreWork,
} from './store/store.ts';
export { createStreamWatch, type StreamWatch } from './store/stream-watch.ts';
export { toWireOf } from './store/wire.ts';
