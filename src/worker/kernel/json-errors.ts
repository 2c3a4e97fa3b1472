/** The kernel's messages about JSON files, in the words and with the line numbers of those about CSV. */

/** `/data/a.jsonl, line 2: malformed JSON at byte 7: unexpected character. Correct the file`; other texts as they are. */
export function jsonErrorText(text: string): string {
  const [, damaged, byte, next, syntax] =
    /^Malformed JSON in file "(.*)", at byte (\d+) in line (\d+): (.*?)\.?(?: Try auto-detecting.*)?\s*$/.exec(text) ??
    [];
  // The kernel counts a line that it cannot parse twice.
  if (syntax !== undefined) return atLine(damaged!, Number(next) - 1, `malformed JSON at byte ${byte}: ${syntax}`);
  const [, file, line, what] = /^JSON transform error in file "(.*)", in line (\d+): (.*)/.exec(text) ?? [];
  return what === undefined ? text : atLine(file!, Number(line), what);
}

const atLine = (file: string, line: number, what: string): string =>
  `${file}, line ${line} (empty lines not counted): ${what}. Correct the file`;
