import { loadSettings, runService } from '@warren/kernel';
import { composeUser } from './compose.ts';
import { userSettings } from './config.ts';

await runService(() => composeUser(loadSettings(userSettings)));
