import { type Component, type ComponentHealth, notEssential } from '@warren/kernel';

/** A dependency with lifecycle hooks. */
interface LivingPart {
  start?(): void | Promise<void>;
  stop?(): void | Promise<void>;
  health?(): ComponentHealth | Promise<ComponentHealth>;
}

/** Returns a component for each dependency that has `start`, `stop` or `health`, under the dependency's name. */
export function dependencyComponents(dependencies: object): Component[] {
  return Object.entries(dependencies).flatMap(([name, part]) => (isLiving(part) ? [toComponent(name, part)] : []));
}

const isLiving = (part: unknown): part is LivingPart =>
  typeof part === 'object' && part !== null && ['start', 'stop', 'health'].some((member) => member in part);

const toComponent = (name: string, part: LivingPart): Component =>
  notEssential({
    name,
    start: async () => part.start?.(),
    stop: async () => part.stop?.(),
    ...('health' in part && { health: async () => part.health?.() ?? { up: true } }),
  });
