/** The aggregates and window functions of one SELECT, gathered while its expressions are analyzed; equal ones are one. */

import type * as ast from '../ast.ts';
import { QueryError, type SourceLocation } from '../../common/errors.ts';
import type { AggregateCall, SortOrder, Symbol, WindowCall } from '../expression.ts';
import type { Expression } from '../expression.ts';
import type { AnalyzedWindow } from './analysis.ts';
import type { SymbolAllocator } from './symbol-allocator.ts';

/** Names of windows, unlike others, keep their case where they are quoted. */
const windowName = ({ value, quoted }: ast.Identifier): string => (quoted ? value : value.toUpperCase());

export class BlockCalls {
  readonly #symbols: SymbolAllocator;
  readonly #named = new Map<string, ast.WindowSpecification>();
  readonly #aggregates = new Map<string, { readonly symbol: Symbol; readonly call: AggregateCall }>();
  readonly #windows = new Map<string, AnalyzedWindow>();
  /** Where the first aggregate stands, for errors. */
  firstAggregate: SourceLocation | undefined;

  constructor(symbols: SymbolAllocator, definitions: readonly ast.WindowDefinition[]) {
    this.#symbols = symbols;
    for (const { name, window, location } of definitions) {
      const key = windowName(name);
      if (this.#named.has(key)) {
        throw new QueryError('DUPLICATE_WINDOW_NAME', `WINDOW name '${name.value}' specified more than once`, location);
      }
      this.#named.set(key, window);
    }
  }

  aggregate(hint: string, call: AggregateCall, location: SourceLocation): Symbol {
    this.firstAggregate ??= location;
    const key = JSON.stringify(call);
    const known = this.#aggregates.get(key);
    if (known) return known.symbol;
    const symbol = this.#symbols.newSymbol(hint, call.type);
    this.#aggregates.set(key, { symbol, call });
    return symbol;
  }

  window(hint: string, call: WindowCall, partitionBy: readonly Expression[], orderBy: readonly SortOrder[]): Symbol {
    const key = JSON.stringify([call, partitionBy, orderBy]);
    const known = this.#windows.get(key);
    if (known) return known.symbol;
    const symbol = this.#symbols.newSymbol(hint, call.type);
    this.#windows.set(key, { symbol, call, partitionBy, orderBy });
    return symbol;
  }

  /** What `OVER name` or `OVER (name …)` refers to. */
  namedWindow(name: ast.Identifier): ast.WindowSpecification {
    const window = this.#named.get(windowName(name));
    if (window) return window;
    throw new QueryError('INVALID_WINDOW_REFERENCE', `Cannot resolve WINDOW name ${name.value}`, name.location);
  }

  aggregates(): readonly { readonly symbol: Symbol; readonly call: AggregateCall }[] {
    return [...this.#aggregates.values()];
  }

  windows(): readonly AnalyzedWindow[] {
    return [...this.#windows.values()];
  }
}
