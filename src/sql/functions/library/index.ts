/** Every function there is. The order within a name decides nothing; overloads are told apart by their signatures. */

import type { FunctionDefinition } from '../definition.ts';
import { AGGREGATES } from './aggregates.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { OPERATORS } from './operators.ts';
import { WINDOWS } from './windows.ts';

export const LIBRARY: readonly FunctionDefinition[] = [...ARITHMETIC, ...OPERATORS, ...AGGREGATES, ...WINDOWS];
