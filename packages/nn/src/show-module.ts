import type { AnyModule } from './module.ts';

/**
 * A module with its settings and children, one per line, as PyTorch prints them.
 *
 *     Sequential(
 *       (0): Linear(inFeatures=2, outFeatures=3)
 *       (1): ReLU()
 *     )
 */
export function showModule(module: AnyModule): string {
  const settings = settingsOf(module).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const children = module.namedChildren().map(([name, child]) => `(${name}): ${showModule(child)}`);
  const name = module.constructor.name;
  if (children.length === 0) return `${name}(${settings.join(', ')})`;
  const lines = settings.length > 0 ? [settings.join(', '), ...children] : children;
  return `${name}(\n${indented(lines.join('\n'))}\n)`;
}

/** The fields that are plain data, also those of an `options` record. */
function settingsOf(holder: object): [name: string, value: unknown][] {
  return Object.entries(holder).flatMap(([name, value]: [string, unknown]): [string, unknown][] => {
    if (name === 'options' && typeof value === 'object' && value !== null) return settingsOf(value);
    return name !== 'training' && isPlain(value) ? [[name, value]] : [];
  });
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'number');
  return ['number', 'string', 'boolean'].includes(typeof value);
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
