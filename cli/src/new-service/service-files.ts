export interface NewService {
  /** Lower-case letters, e.g. `shipping`. */
  name: string;
  /** Default of the setting `<NAME>_PORT`. */
  port: number;
  /** Version of the kit's packages, e.g. `0.2.0`. */
  kitVersion: string;
}

/** The packages of the kit that the service imports. */
const KIT = ['kernel', 'contracts', 'service'];

/** The files of a new service: path below its folder → text. The service builds, passes every check, and runs. */
export function serviceFiles({ name, port, kitVersion }: NewService): Map<string, string> {
  const Name = `${name[0]?.toUpperCase()}${name.slice(1)}`;
  return new Map([
    ['package.json', packageJson(name, kitVersion)],
    ['tsconfig.json', tsconfig],
    ['src/main.ts', mainOf(name)],
    ['src/service.ts', serviceOf(name, Name, port)],
    [`src/domain/${name}-events.ts`, eventsOf(name, Name)],
    [`src/domain/${name}.ts`, aggregateOf(name, Name)],
    [`src/application/complete-${name}.ts`, handlerOf(name, Name)],
    [`test/${name}.unit.test.ts`, unitTestOf(name, Name)],
    ['test/service.integration.test.ts', integrationTestOf(name, Name)],
  ]);
}

const packageJson = (name: string, version: string) => `{
  "name": "@shop/${name}",
  "version": "${version}",
  "private": true,
  "type": "module",
  "main": "./dist/main.js",
  "dependencies": {
${KIT.map((one) => `    "@warren/${one}": "^${version}",\n`).join('')}    "typebox": "^1.4.3"
  }
}
`;

/** Extends and references nothing, so that the folder also compiles where only the kit's npm packages are installed. */
const tsconfig = `{
  "compilerOptions": {
    "target": "es2023",
    "module": "nodenext",
    "types": ["node"],
    "strict": true,
    "noUncheckedIndexedAccess": true,
    "verbatimModuleSyntax": true,
    "rewriteRelativeImportExtensions": true,
    "skipLibCheck": true,
    "sourceMap": true,
    "rootDir": "src",
    "outDir": "dist",
    "incremental": true,
    "tsBuildInfoFile": "dist/.tsbuildinfo"
  },
  "include": ["src"]
}
`;

const mainOf = (name: string) => `import { readTopologies, run } from '@warren/service';
import { ${name}Service } from './service.ts';

await run(${name}Service, { topology: readTopologies(new URL('../../', import.meta.url)) });
`;

const serviceOf = (name: string, Name: string, port: number) => `import { defineService, on } from '@warren/service';
import { complete${Name} } from './application/complete-${name}.ts';
import { ${name} } from './domain/${name}.ts';
import { ${Name}Requested } from './domain/${name}-events.ts';

/** The ${name} service: completes what is requested. */
export const ${name}Service = defineService({
  name: '${name}',
  port: ${port},
  optional: true,
  aggregates: [${name}],
  on: [on(${Name}Requested, complete${Name})],
});
`;

const eventsOf = (name: string, Name: string) => `import { defineEvent, ShortText } from '@warren/contracts';
import { Type } from 'typebox';

const data = Type.Object({ ${name}Id: ShortText });

/** A request: the event that this service consumes. */
export const ${Name}Requested = defineEvent({
  type: '${Name}Requested',
  version: 1,
  exchange: '${name}',
  routingKey: '${name}.requested',
  schema: data,
});

/** The request was completed: the event that this service publishes. */
export const ${Name}Completed = defineEvent({
  type: '${Name}Completed',
  version: 1,
  exchange: '${name}',
  routingKey: '${name}.completed',
  schema: data,
});
`;

function stateTable(Name: string): string {
  const cells = [`Complete${Name}`, `→ ${Name}Completed`, 'ignored: already done'];
  const width = Math.max(...cells.map(({ length }) => length));
  const [head, none, done] = cells.map((cell) => cell.padEnd(width));
  return ` * | state  | ${head} |
 * |--------|-${'-'.repeat(width)}-|
 * | \`none\` | ${none} |
 * | \`done\` | ${done} |`;
}

const aggregateOf = (
  name: string,
  Name: string,
) => `import { type Decision, defineAggregate, type EventIn, ignored } from '@warren/contracts';
import { ${Name}Completed } from './${name}-events.ts';

/*
${stateTable(Name)}
 */

export type ${Name} = { status: 'none' } | { status: 'done' };

const events = { ${Name}Completed };

export type ${Name}Event = EventIn<typeof events>;

export type ${Name}Command = { type: 'Complete${Name}'; data: { ${name}Id: string } };

function decide({ status }: ${Name}, { data }: ${Name}Command): Decision<${Name}Event> {
  return status === 'done' ? ignored('it is already done') : [{ type: '${Name}Completed', data }];
}

const initial: ${Name} = { status: 'none' };

export const ${name} = defineAggregate({
  category: '${name}',
  events,
  ends: ['${Name}Completed'],
  initial,
  idOf: ({ data }) => data.${name}Id,
  decide,
  evolve: (): ${Name} => ({ status: 'done' }),
});
`;

const handlerOf = (name: string, Name: string) => `import { type EventOf, request } from '@warren/contracts';
import { ${name} } from '../domain/${name}.ts';
import type { ${Name}Requested } from '../domain/${name}-events.ts';

/** Completes each request once. */
export const complete${Name} = ({ data }: EventOf<typeof ${Name}Requested>) =>
  request(${name}, { type: 'Complete${Name}', data });
`;

const unitTestOf = (name: string, Name: string) => `import { test } from '@jest/globals';
import { given } from '@warren/testing';
import { ${name}, type ${Name}Command, type ${Name}Event } from '../src/domain/${name}.ts';

const data = { ${name}Id: '1' };
const complete: ${Name}Command = { type: 'Complete${Name}', data };
const completed: ${Name}Event = { type: '${Name}Completed', data };

test('when it is to be completed, then it is completed', () => {
  given(${name}).when(complete).then([completed]);
});

test('when it is to be completed once more, then nothing happens', () => {
  given(${name}, completed).when(complete).thenNothingHappened('it is already done');
});
`;

const integrationTestOf = (
  name: string,
  Name: string,
) => `import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createEvent, type EventEnvelope } from '@warren/contracts';
import { createServiceFixture, type ServiceFixture, waitUntil } from '@warren/testing';
import { ${Name}Completed, ${Name}Requested } from '../src/domain/${name}-events.ts';
import { ${name}Service } from '../src/service.ts';

let fixture: ServiceFixture;
const heard: EventEnvelope[] = [];

beforeEach(async () => {
  fixture = await createServiceFixture(${name}Service);
  await fixture.bus.subscribe({
    queue: 'test_${name}',
    bindings: [${Name}Completed],
    handler: async (event) => void heard.push(event),
  });
});
afterEach(() => fixture.close());

test('when it is requested, even twice, then it is completed once', async () => {
  await fixture.start();
  const requested = createEvent(${Name}Requested, { aggregateId: '1', source: 'test', data: { ${name}Id: '1' } });
  const second = createEvent(${Name}Requested, { aggregateId: '2', source: 'test', data: { ${name}Id: '2' } });
  for (const event of [requested, requested, second]) await fixture.bus.publish(event);
  await waitUntil(() => heard.length >= 2, { what: 'both to be completed' });
  expect(heard.map(({ type, data }) => ({ type, data }))).toEqual([
    { type: '${Name}Completed', data: { ${name}Id: '1' } },
    { type: '${Name}Completed', data: { ${name}Id: '2' } },
  ]);
});
`;
