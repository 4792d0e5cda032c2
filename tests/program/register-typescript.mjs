import { registerHooks } from './register-hooks.mjs';

// Loaded before a program (`node --import`), so that it runs from its TypeScript sources, compiled on the fly as jest does it.
await registerHooks(new URL('./typescript-hooks.mjs', import.meta.url));
