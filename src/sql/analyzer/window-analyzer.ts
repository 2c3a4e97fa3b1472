/** What stands behind OVER: partition, order and frame, with named windows resolved. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { canCoerce, isComparable } from '../../types/coercion.ts';
import { BIGINT, type SqlType, typeName } from '../../types/type.ts';
import type { Expression, FrameBound, SortOrder, WindowFrame } from '../expression.ts';
import type { BlockCalls } from './block-calls.ts';
import { coerce } from './coerce.ts';
import type { ExpressionAnalyzer } from './expression-analyzer.ts';
import { notSupported } from './refusals.ts';
import { sortOrders } from './sort-items.ts';

export type ResolvedWindow = {
  readonly partitionBy: readonly Expression[];
  readonly orderBy: readonly SortOrder[];
  readonly frame: WindowFrame;
};

/** Without a frame: from the partition's start to the current row's peers. */
const DEFAULT_FRAME: WindowFrame = {
  unit: 'RANGE',
  start: { kind: 'UNBOUNDED PRECEDING' },
  end: { kind: 'CURRENT ROW' },
};

export function analyzeWindow(
  analyzer: ExpressionAnalyzer,
  window: ast.Window,
  functionName: string,
  calls: BlockCalls,
): ResolvedWindow {
  const definition = analyzer.atDefinition();
  const parts = flatten(window, calls, { here: analyzer, named: definition });
  const partitionBy = parts.partitionBy.map(({ node, scope }) => {
    const expression = scope.analyze(node);
    if (isComparable(expression.type)) return expression;
    throw new QueryError(
      'TYPE_MISMATCH',
      `${typeName(expression.type)} is not comparable, and therefore cannot be used in window function PARTITION BY`,
      node.location,
    );
  });
  const orderBy = sortOrders(parts.orderBy?.node.items ?? [], (key) => parts.orderBy!.scope.analyze(key));
  if (functionName === 'lag' || functionName === 'lead') {
    if (orderBy.length === 0) {
      throw new QueryError(
        'MISSING_ORDER_BY',
        `${functionName} function requires an ORDER BY window clause`,
        window.location,
      );
    }
    if (parts.frame) {
      throw new QueryError(
        'INVALID_WINDOW_FRAME',
        `Cannot specify window frame for ${functionName} function`,
        parts.frame.node.location,
      );
    }
  }
  return {
    partitionBy,
    orderBy,
    frame: parts.frame ? analyzeFrame(parts.frame.scope, parts.frame.node, orderBy) : DEFAULT_FRAME,
  };
}

/** A part of a window with what analyzes it where it stands. */
type Placed<T> = { readonly node: T; readonly scope: ExpressionAnalyzer };

type WindowParts = {
  readonly partitionBy: readonly Placed<ast.Expression>[];
  readonly orderBy?: Placed<ast.OrderBy>;
  readonly frame?: Placed<ast.WindowFrame>;
};

type Scopes = { readonly here: ExpressionAnalyzer; readonly named: ExpressionAnalyzer };

/** Follows references to named windows; a specification may add an order and a frame to the one that it names. */
function flatten(window: ast.Window, calls: BlockCalls, { here: scope, named }: Scopes): WindowParts {
  const inDefinition = { here: named, named };
  if (window.kind === 'WindowReference') return flatten(calls.namedWindow(window.name), calls, inDefinition);
  const own: WindowParts = {
    partitionBy: window.partitionBy.map((node) => ({ node, scope })),
    ...(window.orderBy && { orderBy: { node: window.orderBy, scope } }),
    ...(window.frame && { frame: { node: window.frame, scope } }),
  };
  if (!window.existingName) return own;
  const base = flatten(calls.namedWindow(window.existingName), calls, inDefinition);
  const refuse = (
    code: 'INVALID_PARTITION_BY' | 'INVALID_ORDER_BY' | 'INVALID_WINDOW_REFERENCE',
    why: string,
  ): never => {
    throw new QueryError(code, why, window.location);
  };
  if (window.partitionBy.length > 0) {
    refuse('INVALID_PARTITION_BY', 'WINDOW specification with named WINDOW reference cannot specify PARTITION BY');
  }
  if (window.orderBy && base.orderBy) {
    refuse('INVALID_ORDER_BY', 'Cannot specify ORDER BY if referenced named WINDOW specifies ORDER BY');
  }
  if (base.frame) {
    refuse('INVALID_WINDOW_REFERENCE', 'Cannot reference named WINDOW containing frame specification');
  }
  return { ...base, ...own, partitionBy: base.partitionBy };
}

function analyzeFrame(
  analyzer: ExpressionAnalyzer,
  frame: ast.WindowFrame,
  orderBy: readonly SortOrder[],
): WindowFrame {
  if (frame.pattern || frame.measures.length > 0)
    throw notSupported('row pattern recognition in windows', frame.location);
  const { frameStart, frameEnd } = frame;
  const invalid = (why: string): QueryError => new QueryError('INVALID_WINDOW_FRAME', why, frame.location);
  if (frameStart.type === 'UNBOUNDED FOLLOWING') throw invalid('Window frame start cannot be UNBOUNDED FOLLOWING');
  if (frameEnd?.type === 'UNBOUNDED PRECEDING') throw invalid('Window frame end cannot be UNBOUNDED PRECEDING');
  const endType = frameEnd?.type ?? 'CURRENT ROW';
  if (RANK[frameStart.type] > RANK[endType]) {
    throw invalid(`Window frame starting from ${frameStart.type} cannot end with ${endType}`);
  }
  const hasOffset = frameStart.value !== undefined || frameEnd?.value !== undefined;
  if (frame.type === 'GROUPS' && orderBy.length === 0) {
    throw new QueryError('MISSING_ORDER_BY', 'Window frame of type GROUPS requires ORDER BY', frame.location);
  }
  if (frame.type === 'RANGE' && hasOffset && orderBy.length !== 1) {
    throw new QueryError(
      orderBy.length === 0 ? 'MISSING_ORDER_BY' : 'INVALID_ORDER_BY',
      `Window frame of type RANGE PRECEDING or FOLLOWING requires ${orderBy.length === 0 ? '' : 'single sort item in '}ORDER BY`,
      frame.location,
    );
  }
  const bound = (node: ast.FrameBound | undefined): FrameBound => {
    if (!node) return { kind: 'CURRENT ROW' };
    if (node.type !== 'PRECEDING' && node.type !== 'FOLLOWING') return { kind: node.type };
    const offset = analyzer.analyze(node.value!);
    const key = orderBy[0]?.expression.type;
    const distance = frame.type === 'RANGE' ? rangeOffset(offset, key!, node) : rowOffset(offset, node);
    return { kind: node.type, offset: checkedOffset(analyzer, distance, node) };
  };
  return { unit: frame.type, start: bound(frameStart), end: bound(frameEnd) };
}

const RANK: Readonly<Record<ast.FrameBound['type'], number>> = {
  'UNBOUNDED PRECEDING': 0,
  PRECEDING: 1,
  'CURRENT ROW': 2,
  FOLLOWING: 3,
  'UNBOUNDED FOLLOWING': 4,
};

const INTEGERS: readonly string[] = ['tinyint', 'smallint', 'integer', 'bigint'];

/** Beyond any partition; the kernel counts groups in 32 bits. */
const ROWS_MAX = 2_000_000_000n;

/** Distances in rows or groups are whole numbers. */
function rowOffset(offset: Expression, node: ast.FrameBound): Expression {
  const { type } = offset;
  if (type.kind === 'decimal' && type.scale === 0) {
    if (offset.kind !== 'Constant') return { kind: 'Cast', type: BIGINT, argument: offset, safe: false };
    // More rows than there can be.
    const value = offset.value === null || BigInt(String(offset.value)) < ROWS_MAX ? offset.value : String(ROWS_MAX);
    return { kind: 'Constant', type: BIGINT, value };
  }
  if (INTEGERS.includes(type.kind)) return coerce(offset, BIGINT);
  throw new QueryError(
    'TYPE_MISMATCH',
    `Window frame ROWS and GROUPS values must be an integer number: actual type ${typeName(type)}`,
    node.location,
  );
}

const NUMBERS: readonly string[] = [...INTEGERS, 'decimal', 'real', 'double'];
const MOMENTS: readonly string[] = ['date', 'time', 'time with time zone', 'timestamp', 'timestamp with time zone'];

/** Distances in values: of the sort key's type for numbers, intervals for moments. */
function rangeOffset(offset: Expression, key: SqlType, node: ast.FrameBound): Expression {
  if (NUMBERS.includes(key.kind) && canCoerce(offset.type, key)) return coerce(offset, key);
  if (NUMBERS.includes(key.kind) && NUMBERS.includes(offset.type.kind)) return offset;
  if (MOMENTS.includes(key.kind) && offset.type.kind.startsWith('interval')) return offset;
  if (key.kind === offset.type.kind && key.kind.startsWith('interval')) return offset;
  throw new QueryError(
    'TYPE_MISMATCH',
    `Window frame RANGE value type (${typeName(offset.type)}) not compatible with sort item type (${typeName(key)})`,
    node.location,
  );
}

/** Distances are neither negative nor NULL: known now for constants, checked by the kernel for others. */
function checkedOffset(analyzer: ExpressionAnalyzer, offset: Expression, node: ast.FrameBound): Expression {
  if (offset.kind !== 'Constant') return analyzer.call('$frame_offset', [offset], node.location);
  if (offset.value !== null && !String(offset.value).startsWith('-')) return offset;
  throw new QueryError('INVALID_WINDOW_FRAME', 'Window frame offset value must not be negative or null', node.location);
}
