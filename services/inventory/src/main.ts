import { loadSettings, runService } from '@warren/kernel';
import { composeInventory } from './compose.ts';
import { inventorySettings } from './config.ts';

await runService(() => composeInventory(loadSettings(inventorySettings)));
