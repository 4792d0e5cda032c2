/**
 * The real broker and database that `npm test` or `warren-test` has started for this run, on private ports. Suites share them, and are isolated
 * by a unique prefix (see {@link uniqueName}) and a database each (see `createTestDatabase`).
 */
export interface TestEnvironment {
  amqpUrl: string;
  /** URL of the management plugin's API, with credentials, e.g. `http://user:pass@127.0.0.1:15672`. */
  managementUrl: string;
  /** URL of a database whose user may create further databases. */
  databaseUrl: string;
}

/** @throws when the tests were started by neither `npm test` nor `warren-test`; the message has the command to use */
export function testEnvironment(): TestEnvironment {
  const read = (name: string): string => {
    const value = process.env[name];
    if (!value)
      throw new Error(
        `${name} is not set: run this suite by "npm test -- <its path>", elsewhere by "warren-test <command>"`,
      );
    return value;
  };
  return {
    amqpUrl: read('WARREN_TEST_AMQP_URL'),
    managementUrl: read('WARREN_TEST_MANAGEMENT_URL'),
    databaseUrl: read('WARREN_TEST_DATABASE_URL'),
  };
}

let counter = 0;

/** Returns a name that is unique in this run: `<base>_<process>_<number>`. Valid for queues, exchanges and databases. */
export function uniqueName(base: string): string {
  counter += 1;
  return `${base}_${process.pid}_${Date.now().toString(36)}_${counter}`;
}
