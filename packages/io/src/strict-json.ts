import { show } from './untrusted.ts';

/**
 * `JSON.parse` that also refuses what it would let pass: a key that appears twice in an object, of which it keeps the
 * last, and nesting deeper than `maxDepth`, which costs far more memory than text.
 *
 * @throws SyntaxError that says which.
 */
export function parseStrictJson(text: string, maxDepth: number): unknown {
  checkStructure(text, maxDepth);
  return JSON.parse(text);
}

/** One pass over the brackets and keys. Text that is not JSON at all is left to `JSON.parse` to refuse. */
function checkStructure(text: string, maxDepth: number): void {
  const keysOfOpen: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') {
      keysOfOpen.push(new Set());
      if (keysOfOpen.length > maxDepth) throw new SyntaxError(`it is nested more than ${maxDepth} deep`);
    } else if (character === '}' || character === ']') {
      keysOfOpen.pop();
    } else if (character === '"') {
      const end = endOfString(text, at);
      if (isKey(text, end)) noteKey(keysOfOpen.at(-1), text.slice(at, end));
      at = end - 1;
    }
  }
}

/** The place after the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Whether what comes at `at`, after a string, is a colon. */
function isKey(text: string, at: number): boolean {
  let next = at;
  while (text[next] === ' ' || text[next] === '\n' || text[next] === '\r' || text[next] === '\t') next++;
  return text[next] === ':';
}

function noteKey(keys: Set<string> | undefined, token: string): void {
  const key = JSON.parse(token) as string;
  if (keys?.has(key)) throw new SyntaxError(`the key ${show(key)} appears twice`);
  keys?.add(key);
}
