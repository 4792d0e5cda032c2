import { register } from 'node:module';

// The suite runs from its sources, compiled on the fly as jest does it.
register('./typescript-hooks.mjs', import.meta.url);
