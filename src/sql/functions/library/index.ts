/** Every function there is. The order within a name decides nothing; overloads are told apart by their signatures. */

import type { FunctionDefinition } from '../definition.ts';
import { AGGREGATES } from './aggregates.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { ARRAYS } from './arrays.ts';
import { BINARY } from './binary.ts';
import { DATE_ARITHMETIC } from './date-arithmetic.ts';
import { DATE_FORMATS } from './date-formats.ts';
import { DATETIME } from './datetime.ts';
import { FORMATTING } from './formatting.ts';
import { JSON_FUNCTIONS } from './json.ts';
import { MAPS } from './maps.ts';
import { MATH } from './math.ts';
import { OPERATORS } from './operators.ts';
import { REGEXPS } from './regexps.ts';
import { SEQUENCES } from './sequences.ts';
import { STRINGS } from './strings.ts';
import { VECTORS } from './vectors.ts';
import { WINDOWS } from './windows.ts';

export const LIBRARY: readonly FunctionDefinition[] = [
  ...ARITHMETIC,
  ...OPERATORS,
  ...MATH,
  ...STRINGS,
  ...REGEXPS,
  ...DATETIME,
  ...DATE_ARITHMETIC,
  ...DATE_FORMATS,
  ...BINARY,
  ...FORMATTING,
  ...JSON_FUNCTIONS,
  ...ARRAYS,
  ...SEQUENCES,
  ...VECTORS,
  ...MAPS,
  ...AGGREGATES,
  ...WINDOWS,
];
