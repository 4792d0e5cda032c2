import { defineErrors } from '@warren/kernel';

export const analyticsErrors = defineErrors({
  ANALYTICS_REPLAY_RUNNING: {
    kind: 'conflict',
    meaning: 'The figures are being made anew already. Wait until that is done; `replayId` says which replay it is.',
  },
  ANALYTICS_REPLAY_AHEAD: {
    kind: 'invalid',
    meaning:
      'A replay is to begin at a time that has not come, or at an offset that the figures have not reached: it might never end. They may only be late.',
  },
  ANALYTICS_REPLAY_NOT_FOUND: { kind: 'not-found', meaning: 'There is no replay with this id.' },
});
