import { defineErrors } from '@warren/kernel';

export const analyticsErrors = defineErrors({
  ANALYTICS_REPLAY_RUNNING: {
    kind: 'conflict',
    meaning: 'The figures are being made anew already. Wait until that is done; `replayId` says which replay it is.',
  },
  ANALYTICS_REPLAY_AHEAD: {
    kind: 'invalid',
    meaning:
      'The figures are not yet as far in the stream as the offset that a replay is to begin at: it might never end. They may only be late.',
  },
  ANALYTICS_REPLAY_NOT_FOUND: { kind: 'not-found', meaning: 'There is no replay with this id.' },
});
