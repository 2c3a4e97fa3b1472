/** JSON as a tree whose scalars stay text: `JSON.parse` would round integers beyond 2^53. */
import { notThePage } from './page-bytes.ts';

export type JsonTree =
  /** `text` is the JSON of a string, number, boolean or null. */
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly JsonTree[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, JsonTree])[] };

export function parseJsonTree(json: string): JsonTree {
  const tokens = json.match(TOKEN) ?? [];
  let at = 0;
  const take = (): string => {
    const token = tokens[at++];
    if (token === undefined) throw notThePage();
    return token;
  };
  const takeIf = (token: string): boolean => tokens[at] === token && ++at > 0;
  const value = (): JsonTree => {
    const token = take();
    if (token === '[') {
      const items: JsonTree[] = [];
      while (!takeIf(']')) {
        items.push(value());
        takeIf(',');
      }
      return { kind: 'array', items };
    }
    if (token === '{') {
      const members: [string, JsonTree][] = [];
      while (!takeIf('}')) {
        const key = JSON.parse(take()) as string;
        takeIf(':');
        members.push([key, value()]);
        takeIf(',');
      }
      return { kind: 'object', members };
    }
    return { kind: 'literal', text: token };
  };
  return value();
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g;
