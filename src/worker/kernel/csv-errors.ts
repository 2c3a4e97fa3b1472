/** The kernel's messages about CSV files, which end in advice about options that nobody here can set. */

/** `/data/a.csv, line 3: Value with unterminated quote found. Correct the file`; other texts as they are. */
export function csvErrorText(text: string): string {
  const line = /^CSV Error on Line: (\d+)\n/.exec(text)?.[1];
  const file = /\n {2}file = (.*)\n {2}delimiter = /.exec(text)?.[1];
  const lines = text.split('\n');
  const advice = lines.findIndex((each) => ADVICE.test(each));
  const reason = lines.slice(0, Math.max(0, advice)).findLast((each) => each.trim() !== '');
  if (line === undefined || file === undefined || reason === undefined) return text;
  const conversion = CONVERSION.exec(reason);
  const what = conversion ? `column "${conversion[1]}": ${conversion[2]}` : reason;
  const next = conversion ? ', or declare the column as varchar in the catalog file' : '';
  return `${file}, line ${line}: ${what.replace(/\.$/, '')}. Correct the file${next}`;
}

const ADVICE = /^(?:Column .* is being converted as type |Possible (?:fixes|solutions?):)/i;
const CONVERSION = /^Error when converting column "(.*?)"\. (.*)$/;
