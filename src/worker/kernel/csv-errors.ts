/** The kernel's messages about CSV files, which end in advice about options that nobody here can set. */

/** `/data/a.csv, line 3: Value with unterminated quote found. Correct the file`; other texts as they are. */
export function csvErrorText(text: string): string {
  const [, sniffed] = /^Error when sniffing file "(.*)"\.\n/.exec(text) ?? [];
  if (sniffed !== undefined) {
    return `${sniffed}: its lines are not fields of one table. Correct the file, or set its "delimiter" in the catalog file`;
  }
  const line = /^CSV Error on Line: (\d+)\n/.exec(text)?.[1];
  const file = /\n {2}file = (.*)\n {2}delimiter = /.exec(text)?.[1];
  const lines = text.split('\n');
  const advice = lines.findIndex((each) => ADVICE.test(each));
  const reason = lines.slice(0, Math.max(0, advice)).findLast((each) => each.trim() !== '');
  if (line === undefined || file === undefined || reason === undefined) return text;
  const conversion = CONVERSION.exec(reason);
  const fields = /^Expected Number of Columns: (\d+) Found: (\d+)$/.exec(reason);
  if (fields) {
    // The kernel stops counting at the first one too many.
    const than = Number(fields[2]) > Number(fields[1]) ? 'more' : 'fewer';
    return `${file}, line ${line}: ${than} fields than the table has columns, ${fields[1]}. Correct the file`;
  }
  const what = conversion ? `column "${conversion[1]}": ${conversion[2]}` : reason;
  const next = conversion ? ', or declare the column as varchar in the catalog file' : '';
  return `${file}, line ${line}: ${what.replace(/\.$/, '')}. Correct the file${next}`;
}

const ADVICE = /^(?:Column .* is being converted as type |Possible (?:fixes|solutions?):)/i;
const CONVERSION = /^Error when converting column "(.*?)"\. (.*)$/;
