/**
 * Who may import whom. The direction is
 * `kernel ← contracts ← event-bus`, `contracts ← event-store`, `contracts ← http`, all of them `← service`; services and the command line use
 * all of them, and the commands of the shop use the command line; `contracts ← services/events`, the language of the shop, which everybody speaks save the kit and the command line; inside a service `domain ← application ← adapters ← service ← main`.
 * `npm run rules` fails on an import against it. scripts/test/dependency-rules.unit.test.ts shows that each rule does.
 */

/** The packages of the kit, each with those that it may import. Tests of a package may also import `testing`. */
const KIT = {
  kernel: [],
  contracts: ['kernel'],
  'event-bus': ['kernel', 'contracts'],
  'event-store': ['kernel', 'contracts'],
  http: ['kernel', 'contracts'],
  service: ['kernel', 'contracts', 'event-bus', 'event-store', 'http'],
  servers: [],
  testing: ['kernel', 'contracts', 'event-bus', 'event-store', 'http', 'service', 'servers'],
};

/** What the services say to each other. */
const EVENTS = '^services/events/src/';
const INDEX = '/src/index\\.(ts|mjs)$';
const TESTS = '(^|/)tests?/|^bench/|^shared/testing/';

const kitRules = Object.entries(KIT).map(([name, allowed]) => ({
  name: `kit-direction-${name}`,
  comment: `@warren/${name} may import ${allowed.length === 0 ? 'no other package' : allowed.join(', ')}.`,
  severity: 'error',
  from: { path: `^shared/${name}/src/` },
  to: {
    path: '^(shared|services|cli|mail-catcher|tests|bench)/',
    pathNot: `^shared/(${[name, ...allowed].join('|')})/`,
  },
}));

export default {
  forbidden: [
    ...kitRules,
    {
      name: 'no-import-past-index',
      comment: "A package's index is its whole surface; what is not exported there may change without notice.",
      severity: 'error',
      from: { path: '^(?:(shared)/([^/]+)/|services/|cli/|mail-catcher/|tests/|bench/|scripts/)' },
      to: { path: '^shared/[^/]+/', pathNot: [INDEX, '^$1/$2/'] },
    },
    {
      name: 'kit-knows-no-shop',
      comment: 'The kit is for other systems too: its sources, and its tests, know nothing of this one.',
      severity: 'error',
      from: { path: '^shared/' },
      to: { path: '^(services|cli|mail-catcher|bench)/' },
    },
    {
      name: 'only-tests-import-testing',
      comment: '@warren/testing starts and kills brokers; it has no place in what runs in production.',
      severity: 'error',
      from: { pathNot: TESTS },
      to: { path: '^shared/testing/' },
    },
    {
      name: 'only-scripts-and-tests-import-servers',
      comment: 'What runs in production connects to servers and starts none.',
      severity: 'error',
      from: { pathNot: `^scripts/|^shared/servers/|${TESTS}` },
      to: { path: '^shared/servers/' },
    },
    {
      name: 'services-apart',
      comment:
        'Services know each other by their events only. The commands of the shop are tested against its services.',
      severity: 'error',
      from: { path: '^services/([^/]+)/', pathNot: '^services/commands/test/' },
      to: { path: '^services/', pathNot: ['^services/$1/', EVENTS] },
    },
    {
      name: 'events-are-data',
      comment: 'What the services say to each other is made of contracts and schemas, and of nothing else.',
      severity: 'error',
      from: { path: EVENTS },
      to: { pathNot: [EVENTS, `^shared/contracts${INDEX}`, '/typebox/'] },
    },
    {
      name: 'nobody-imports-a-service',
      comment:
        'A service is a process: only its own files and tests import from it. The command line finds services by their folders, and knows none.',
      severity: 'error',
      from: { pathNot: `^services/|${TESTS}` },
      to: { path: '^services/' },
    },
    {
      name: 'no-import-past-cli',
      comment: 'Commands that services contribute use the two entry points of the command line.',
      severity: 'error',
      from: { pathNot: `^cli/|${TESTS}` },
      to: { path: '^cli/', pathNot: '^cli/src/(usage/)?index\\.ts$' },
    },
    {
      name: 'domain-pure',
      comment:
        'What a service decides imports the events, the contracts and the error types (of the kernel), and nothing else: no I/O can slip in.',
      severity: 'error',
      from: { path: '^services/([^/]+)/src/domain/' },
      to: { pathNot: ['^services/$1/src/domain/', EVENTS, `^shared/(contracts|kernel)${INDEX}`, '/typebox/'] },
    },
    {
      name: 'application-below-adapters',
      comment: 'The application knows its ports, not who is behind them, and no transport.',
      severity: 'error',
      from: { path: '^services/([^/]+)/src/application/' },
      to: { path: '^services/|^shared/(http|event-bus)/', pathNot: ['^services/$1/src/(domain|application)/', EVENTS] },
    },
    {
      name: 'application-without-libraries',
      comment: 'Libraries are met in adapters. Schemas are data, so typebox may be used everywhere.',
      severity: 'error',
      from: { path: '^services/[^/]+/src/application/' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'],
        pathNot: '^shared/|/typebox/',
      },
    },
    {
      name: 'adapters-below-service',
      comment: 'Adapters are handed what they need.',
      severity: 'error',
      from: { path: '^services/[^/]+/src/adapters/' },
      to: { path: '^services/[^/]+/src/[^/]+\\.ts$', pathNot: EVENTS },
    },
    {
      name: 'only-service-builds-adapters',
      comment: 'service.ts is the only file that knows how a service is put together.',
      severity: 'error',
      from: {
        path: '^services/([^/]+)/src/',
        pathNot: '^services/[^/]+/src/(adapters/|service\\.ts$)',
      },
      to: { path: '^services/[^/]+/src/adapters/' },
    },
    {
      name: 'nobody-imports-main',
      comment: 'main.ts starts a process as soon as it is imported.',
      severity: 'error',
      from: {},
      to: { path: '^services/[^/]+/src/main\\.ts$' },
    },
    {
      name: 'scripts-without-modules',
      comment: 'The scripts, and the package that they start servers with, run before anything is installed.',
      severity: 'error',
      from: { path: '^(scripts|shared/servers)/', pathNot: TESTS },
      to: { pathNot: '^(scripts|shared/servers)/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'nobody-imports-scripts',
      comment: 'The scripts set the stage for this shop; neither the kit nor a service needs them, nor do their tests.',
      severity: 'error',
      from: { pathNot: '^(scripts|tests)/' },
      to: { path: '^scripts/' },
    },
    {
      name: 'no-development-packages',
      comment: 'A production install has no devDependencies.',
      severity: 'error',
      from: { path: '^(shared|services|cli|mail-catcher)/[^/]*/?src/', pathNot: TESTS },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-undeclared-packages',
      comment: "What is imported stands in the package's own package.json; tests may use those of the root.",
      severity: 'error',
      from: { pathNot: `${TESTS}|^jest\\.config` },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-cycles',
      comment: 'Neither part of a cycle can be understood, tested or changed alone.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: ['/dist/', '^node_modules/@types/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@warren/source', 'node', 'import', 'require', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json', '.node'],
    },
  },
};
