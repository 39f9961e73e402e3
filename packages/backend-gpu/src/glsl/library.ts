import { codecs } from './codecs.ts';
import { math } from './math.ts';

/** GLSL functions by their names; each may call those above it. */
export type GlslFunctions = Readonly<Record<string, string>>;

/** The functions that `code` calls, and those that they call: compilers take their time for unused ones too. */
export function libraryFor(code: string): string {
  const functions = { ...codecs, ...math };
  const needed = new Set<string>();
  const follow = (source: string): void => {
    for (const [name] of source.matchAll(/\w+/g)) {
      if (needed.has(name) || !Object.hasOwn(functions, name)) continue;
      needed.add(name);
      follow(functions[name]!);
    }
  };
  follow(code);
  return Object.entries(functions)
    .filter(([name]) => needed.has(name))
    .map(([, source]) => source)
    .join('\n');
}
