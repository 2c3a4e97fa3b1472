/** Colours for terminals. Off where NO_COLOR says so, where the output is no terminal, or where it is a dumb one. */
import type { WriteStream } from 'node:tty';

export type Style = {
  readonly colours: boolean;
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly blue: Paint;
  readonly magenta: Paint;
  readonly cyan: Paint;
};

type Paint = (text: string) => string;
type Environment = Readonly<Record<string, string | undefined>>;

export function wantsColours(stream: Pick<WriteStream, 'isTTY'>, environment: Environment): boolean {
  if ((environment.NO_COLOR ?? '') !== '') return false;
  if ((environment.FORCE_COLOR ?? '0') !== '0') return true;
  return stream.isTTY && environment.TERM !== 'dumb';
}

/** Box characters, unless the locale is set and cannot show them. */
export function wantsUnicode(environment: Environment): boolean {
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || '';
  return locale === '' || /utf-?8/i.test(locale) || (locale !== 'C' && locale !== 'POSIX' && !locale.includes('.'));
}

export function style(colours: boolean): Style {
  const paint =
    (open: number, close: number): Paint =>
    (text) =>
      colours && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    colours,
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    blue: paint(34, 39),
    magenta: paint(35, 39),
    cyan: paint(36, 39),
  };
}
