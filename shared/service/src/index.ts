export { catalogueOf } from './catalogue-of.ts';
export { createService, type RunnableService, run, type ServiceOptions } from './create-service.ts';
export { defineJob, type Job, type Rest, type Turn } from './define-job.ts';
export { followRoute } from './follow-route.ts';
export { historyRoute } from './history-route.ts';
export { type MessageHandler, on, type Reaction, type Subscription } from './on.ts';
export {
  type Context,
  type DefinedService,
  defineService,
  type ServiceInside,
  type StreamReading,
  schemaOf,
} from './service-declaration.ts';
export { settingsOf } from './service-settings.ts';
export { type ServiceTopology, topologyOf } from './service-topology.ts';
export { queuesFor, readTopologies } from './system-topology.ts';
