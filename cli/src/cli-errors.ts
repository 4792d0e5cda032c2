import { defineErrors } from '@warren/kernel';

export const cliErrors = defineErrors({
  CLI_ADDRESS_UNKNOWN: {
    kind: 'invalid',
    meaning: 'The command does not know where the system runs. Run "npm start", or set the variables that it names.',
  },
  CLI_UNREACHABLE: {
    kind: 'transient',
    meaning: 'The API, the broker or the database does not answer at the configured address.',
  },
  CLI_NOT_FOUND: { kind: 'not-found', meaning: 'What the command asked for does not exist.' },
  CLI_TOO_LARGE: {
    kind: 'refused',
    meaning:
      'More events belong to the id than `warren trace` can show, so it is not the id of one request. `warren stream` shows the events of one aggregate.',
  },
  CLI_NO_CHECKOUT: {
    kind: 'invalid',
    meaning: 'The command changes a checkout of the project and was not run inside one.',
  },
  CLI_SERVICE_EXISTS: { kind: 'conflict', meaning: 'There is already a service with this name. Choose another one.' },
  CLI_EVENT_UNREADABLE: {
    kind: 'fault',
    meaning: 'A row of a log cannot be read as an event. The message says which one, and why: correct the row.',
  },
  CLI_SERVICE_UNREADABLE: {
    kind: 'fault',
    meaning:
      'The declaration of a service cannot be loaded: it is not built, or its module `service` does not export one.',
  },
  CLI_NPM_FAILED: {
    kind: 'fault',
    meaning: 'npm failed; its own message follows. The files that the command has written remain.',
  },
  CLI_UNEXPECTED_ANSWER: { kind: 'fault', meaning: 'An API returned an answer that the command cannot read.' },
  CLI_NOT_MIGRATED: {
    kind: 'transient',
    meaning:
      'The database has no tables of the service in question: the service has not been started on this database yet.',
  },
  CLI_NOT_PUBLISHED: {
    kind: 'transient',
    meaning: 'The broker did not accept the message, so nothing has happened. Run the command again.',
  },
  CLI_PUBLISH_UNKNOWN: {
    kind: 'transient',
    meaning:
      'The broker has not confirmed the message, but may have it. Run the command again with the --id that it names: all copies count as one.',
  },
  CLI_NOT_CONFIRMED: {
    kind: 'refused',
    meaning: 'The command deletes something for good and was not confirmed. Answer y, or pass --yes.',
  },
  CLI_REFUSED: {
    kind: 'refused',
    meaning: 'An API has refused the request; its answer says why.',
  },
  CLI_NOT_HANDLED: {
    kind: 'transient',
    meaning:
      'The broker has the message, but no service has handled it in time. It is handled as soon as the service runs: do not send it again.',
  },
});
