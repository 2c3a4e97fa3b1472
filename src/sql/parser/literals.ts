/** Literals whose text needs decoding. */
import { QueryError, type SourceLocation } from '../../common/errors.ts';

const SURROGATES = { from: 0xd800, to: 0xdfff };
const CODE_POINT_MAX = 0x10ffff;

/** The text of `U&'body' UESCAPE 'escape'`: `\XXXX`, `\+XXXXXX`, and `\\` for the escape character itself. */
export function decodeUnicode(body: string, escape: string, location: SourceLocation): string {
  const fail = (message: string): never => {
    throw new QueryError('SYNTAX_ERROR', message, location);
  };
  if (escape.length !== 1) fail('UESCAPE takes a single character');
  if (/[\s+'"0-9A-Fa-f]/.test(escape) || escape > '\x7f') fail(`'${escape}' cannot be the character of UESCAPE`);
  let decoded = '';
  for (let at = 0; at < body.length;) {
    const character = body[at]!;
    if (character !== escape) {
      decoded += character;
      at++;
      continue;
    }
    if (body[at + 1] === escape) {
      decoded += escape;
      at += 2;
      continue;
    }
    const [skip, length] = body[at + 1] === '+' ? [2, 6] : [1, 4];
    const digits = body.slice(at + skip, at + skip + length);
    if (digits.length < length || !/^[0-9A-Fa-f]+$/.test(digits)) {
      fail(
        `${escape}${body.slice(at + 1, at + skip + length)} is no Unicode escape: write ${escape}XXXX or ${escape}+XXXXXX`,
      );
    }
    const codePoint = Number.parseInt(digits, 16);
    if (codePoint > CODE_POINT_MAX || (codePoint >= SURROGATES.from && codePoint <= SURROGATES.to)) {
      fail(`${escape}${body.slice(at + 1, at + skip + length)} is no Unicode character`);
    }
    decoded += String.fromCodePoint(codePoint);
    at += skip + length;
  }
  return decoded;
}

/** The hexadecimal digits of `X'…'`, in upper case, without the white space that may stand between them. */
export function decodeBinary(body: string, location: SourceLocation): string {
  const hex = body.replaceAll(/\s/g, '').toUpperCase();
  if (!/^[0-9A-F]*$/.test(hex)) {
    throw new QueryError('SYNTAX_ERROR', "X'…' holds hexadecimal digits only", location);
  }
  if (hex.length % 2 !== 0) {
    throw new QueryError('SYNTAX_ERROR', "X'…' holds an even number of digits, two for each byte", location);
  }
  return hex;
}
