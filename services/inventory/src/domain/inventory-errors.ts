import { defineErrors } from '@warren/kernel';

export const inventoryErrors = defineErrors({
  STOCK_LEVEL_MISMATCH: {
    kind: 'fault',
    meaning:
      'A stock level was not what the lock on its row had promised, so nothing was written. Somebody changes stock_level behind the service.',
  },
});
