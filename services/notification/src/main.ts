import { loadSettings, runService } from '@warren/kernel';
import { composeNotification } from './compose.ts';
import { notificationSettings } from './config.ts';

await runService(() => composeNotification(loadSettings(notificationSettings)));
