/** The order of names in every file system: that of their code points, and with it of their bytes in UTF-8. */

/** Texts without units from here on stand in the same order towards all others as `<` has it, which compares UTF-16 units. */
const HIGH = /[\ud800-\uffff]/;

export const isPlain = (text: string): boolean => !HIGH.test(text);

/** Negative, zero or positive. */
export function compareNames(a: string, b: string): number {
  if (isPlain(a)) return a < b ? -1 : a === b ? 0 : 1;
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}
