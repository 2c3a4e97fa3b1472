/** JSON as text, the way it stands in the kernel and in constants. */

/** The text without white space between its parts, numbers as they are written; undefined when it is no JSON. */
export function compactJson(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return text.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, (_, string: string | undefined) => string ?? '');
}
