import { defineErrors } from '@warren/kernel';

export const contractErrors = defineErrors({
  CONTRACT_BROKEN: {
    kind: 'fault',
    meaning: 'A change to a released event version breaks its readers or logs. Declare a new version instead.',
  },
  CONTRACT_DUPLICATE: { kind: 'fault', meaning: 'Two contracts in one catalogue have the same type and version.' },
  CONTRACT_VERSION_SKIPPED: {
    kind: 'fault',
    meaning: 'An event version is not exactly one more than the version it follows.',
  },
  ENVELOPE_INVALID: {
    kind: 'invalid',
    meaning: 'The JSON is not an event envelope. The producer violates the contract; fix it, then replay.',
  },
  EVENT_TYPE_UNKNOWN: {
    kind: 'invalid',
    meaning:
      'No contract has this type. The bindings of the queue are too broad, or this service is older than the producer.',
  },
  EVENT_VERSION_UNKNOWN: {
    kind: 'invalid',
    meaning: 'The event type is known, but not this version. Deploy a consumer that knows the version, then replay.',
  },
  EVENT_DATA_INVALID: {
    kind: 'invalid',
    meaning: 'The data does not match the contract of its type and version.',
  },
});
