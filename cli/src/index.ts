/** What the commands of a service can use at run time. Their usage is declared with `@warren/cli/usage`, which loads none of this. */
export { addressOf } from './addresses.ts';
export { cliErrors } from './cli-errors.ts';
export { type DeclaredAggregate, findDeclared, loadAggregates } from './declarations.ts';
export { eventsUpTo } from './events-up-to.ts';
export { formatJson } from './format-json.ts';
export { createJsonApi } from './json-api.ts';
export { createProgress } from './progress.ts';
export { readDatabase, type Select } from './read-database.ts';
export { sendMessage } from './send-message.ts';
export { type Column, formatTable, printable } from './table.ts';
export { formatTimeline, type TimelineEvent } from './timeline.ts';
