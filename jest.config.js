import { bundleTypebox } from './jest.typebox.mjs';

const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { decoratorVersion: '2022-03' },
      },
      sourceMaps: 'inline',
    },
  ],
};

const roots = [
  '<rootDir>/shared',
  '<rootDir>/services',
  '<rootDir>/cli',
  '<rootDir>/mail-catcher',
  '<rootDir>/tests',
  '<rootDir>/scripts',
  '<rootDir>/bench',
];

const typebox = await bundleTypebox();

/** One jest project per kind of suite, told apart by the end of the file's name. */
const project = (displayName, testMatch, more = {}) => ({
  displayName,
  roots,
  testMatch,
  transform,
  moduleNameMapper: { '^typebox$': `${typebox}/index.mjs`, '^typebox/(.+)$': `${typebox}/$1.mjs` },
  extensionsToTreatAsEsm: ['.ts'],
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@warren/source', 'node', 'node-addons'] },
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['/dist/', '/.data/'],
  ...more,
});

export default {
  projects: [
    project('unit', ['**/{test,tests}/**/*.unit.test.ts']),
    project('integration', ['**/{test,tests}/**/*.integration.test.ts']),
    project('e2e', ['**/tests/e2e/**/*.e2e.test.ts']),
  ],
  testSequencer: '<rootDir>/jest.sequencer.mjs',
  // Jest's own choice on two cores is one worker; these suites mostly wait.
  maxWorkers: 4,
  // Longer than any one `waitUntil`, whose message says more.
  testTimeout: 600_000,
};
