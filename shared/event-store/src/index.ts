export * from './archive-streams.ts';
export * from './claim-fresh.ts';
export * from './create-event-store.ts';
export * from './create-leader.ts';
export * from './create-pool.ts';
export * from './database-component.ts';
export * from './database-settings.ts';
export * from './database-target.ts';
export * from './event-store.ts';
export * from './event-store-migrations.ts';
export * from './history-entry.ts';
export * from './idempotency-keys.ts';
export * from './migrate.ts';
export * from './rebuild/rebuild-progress.ts';
export * from './rebuild/rebuild-projection.ts';
export * from './relay/confirm-history.ts';
export * from './relay/create-relay.ts';
export * from './relay/relay.ts';
export * from './relay/relay-alerts.ts';
export * from './retention.ts';
export * from './retention-rule.ts';
export * from './retry-while-away.ts';
export type { SessionLock } from './session-lock.ts';
export { isOf } from './store/aggregate-log.ts';
export type { Asked, Outcome } from './store/decide-aggregate.ts';
export { defineProjection, type Projection } from './store/projection.ts';
export { defineReadModel, type ReadModel } from './store/read-model.ts';
export { type SharedChange, type SharedRows, uniqueClaims } from './store/shared-rows.ts';
export { type NumberedSql, rows, type Sql, sql, touching, type Write } from './store/sql.ts';
export {
  createStore,
  type Intake,
  type MessageWriter,
  type Reactions,
  type ServiceStore,
  type Store,
  type StoreWork,
} from './store/store.ts';
export { createStreamWatch, type StreamWatch } from './store/stream-watch.ts';
export { toWireOf } from './store/wire.ts';
export * from './store-alerts.ts';
export * from './store-errors.ts';
export * from './stream-id.ts';
