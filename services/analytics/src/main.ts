import { loadSettings, runService } from '@warren/kernel';
import { composeAnalytics } from './compose.ts';
import { analyticsSettings } from './config.ts';

await runService(() => composeAnalytics(loadSettings(analyticsSettings)));
