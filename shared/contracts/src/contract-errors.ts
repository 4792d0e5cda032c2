import { defineErrors } from '@warren/kernel';

export const contractErrors = defineErrors({
  CONTRACT_BROKEN: {
    kind: 'fault',
    meaning: 'A released version of an event was changed so that its readers or its logs break. Make a new version.',
  },
  CONTRACT_DUPLICATE: { kind: 'fault', meaning: 'Two contracts in one catalogue have the same type and version.' },
  CONTRACT_VERSION_SKIPPED: { kind: 'fault', meaning: 'A version of an event is not one more than that it follows.' },
  ENVELOPE_INVALID: {
    kind: 'invalid',
    meaning: 'The JSON is not an event envelope. The producer does not follow the contract; correct it, then replay.',
  },
  EVENT_TYPE_UNKNOWN: {
    kind: 'invalid',
    meaning: 'No contract has this type. A queue is bound too widely, or this service is older than the producer.',
  },
  EVENT_VERSION_UNKNOWN: {
    kind: 'invalid',
    meaning: 'The type is known, this version of it is not. Deploy the consumer that knows it, then replay.',
  },
  EVENT_DATA_INVALID: {
    kind: 'invalid',
    meaning: 'The data does not have the shape that the contract of its type and version states.',
  },
});
