import { defineErrors } from '@warren/kernel';

export const analyticsErrors = defineErrors({
  ANALYTICS_REPLAY_RUNNING: {
    kind: 'conflict',
    meaning: 'A replay is already rebuilding the figures. Wait until it is done; `replayId` identifies it.',
  },
  ANALYTICS_REPLAY_AHEAD: {
    kind: 'invalid',
    meaning:
      'The replay would begin at a future time, or at an offset that the figures have not reached, and might never end. The figures may just be behind.',
  },
  ANALYTICS_REPLAY_NOT_FOUND: { kind: 'not-found', meaning: 'There is no replay with this id.' },
});
