export { createService, type RunnableService, run, type ServiceOptions } from './create-service.ts';
export { historyRoute } from './history-route.ts';
export { on, type Subscription } from './on.ts';
export { type Context, type DefinedService, defineService, schemaOf } from './service-declaration.ts';
export { settingsOf } from './service-settings.ts';
export { type ServiceTopology, topologyOf } from './service-topology.ts';
