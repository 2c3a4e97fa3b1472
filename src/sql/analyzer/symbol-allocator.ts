/** Hands out symbols whose names are unique within a statement: `orderkey_3`. */

import type { Symbol } from '../expression.ts';
import type { SqlType } from '../../types/type.ts';

export class SymbolAllocator {
  last = 0;

  newSymbol(hint: string, type: SqlType): Symbol {
    this.last += 1;
    const plain = hint
      .toLowerCase()
      .replaceAll(/[^a-z0-9_$]/g, '_')
      .slice(0, 40)
      .replace(/_\d+$/, '');
    return { name: `${plain || 'expr'}_${this.last}`, type };
  }
}
