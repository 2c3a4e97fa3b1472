/** Names as a statement must write them. */

import { quotedName } from '../common/names.ts';
import { RESERVED_KEYWORDS } from './keywords.ts';
import { keywordOf } from './lexer.ts';

const RESERVED: ReadonlySet<string> = new Set(RESERVED_KEYWORDS);

/** Whether the word is read as a keyword where a name could stand. */
export const isReserved = (word: string): boolean => RESERVED.has(keywordOf(word) ?? '');

/** In double quotes where it would be read as another name, or as none. */
export const writtenName = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) && !isReserved(name) ? name : quotedName(name);
