/** Renders a task as one kernel statement that writes its rows to files and yields what was written where. */

import { assert } from '../../common/assert.ts';
import type { ScanContext, ScanProvider } from '../../connectors/connector.ts';
import type { TaskRequest } from '../../exchange/task-protocol.ts';
import { type PlanNode, type RemoteSourceNode, sourcesOf, type TableScanNode } from '../../plan/nodes.ts';
import { rowsAtMost } from '../../plan/rows-at-most.ts';
import type { Symbol } from '../../sql/expression.ts';
import type { FunctionRegistry } from '../../sql/functions/registry.ts';
import { globFree, emptySelect, identifier, kernelType, keySql, NO_COLUMNS, quote } from '../../types/kernel.ts';
import { wireBytesMax, wireSql } from '../../types/wire.ts';
import { arrowSql } from '../arrow/projection.ts';
import type { ArrowTarget } from '../kernel/protocol.ts';
import type { PlanWorld } from './plan-context.ts';
import { renderPlan } from './render-plan.ts';
import { column, columnList } from './text.ts';

/**
 * A column as exactly its kernel type. Decimals may have been computed in fewer digits (`narrowDecimals`), which must not
 * show in a file's schema, nor in a hash.
 */
const exact = (symbol: Symbol): string => {
  const type = kernelType(symbol.type);
  return type.includes('DECIMAL(') ? `CAST(${column(symbol)} AS ${type})` : column(symbol);
};

const exactList = (symbols: readonly Symbol[]): string =>
  symbols.length === 0
    ? columnList(symbols)
    : symbols.map((symbol) => `${exact(symbol)} AS ${column(symbol)}`).join(', ');

export type TaskContext = {
  readonly registry: FunctionRegistry;
  readonly providers: Readonly<Record<string, ScanProvider>>;
  readonly scan: ScanContext;
  /** Files on this machine, by the id of the RemoteSource node that reads them. */
  readonly inputs: ReadonlyMap<number, readonly string[]>;
  /** Where its output goes; exists and is empty. */
  readonly directory: string;
  readonly task: number;
  /** See `QueryContext`: the caller renders anew without it when the kernel answers with `isNarrowOverflow`. */
  readonly narrowDecimals: boolean;
};

/**
 * How the rows of a task's statement tell what it wrote. `lines`: they are the result, and no file was written. `file`: one row
 * with the count. `statistics`: a row for each file, as RETURN_STATS has it.
 */
export type TaskAnswer = { readonly kind: 'lines' | 'file'; readonly path: string } | { readonly kind: 'statistics' };

export type TaskStatement = {
  readonly sql: string;
  readonly answer: TaskAnswer;
  /** `sql` is a query whose rows are to be written so. */
  readonly arrow?: ArrowTarget;
};

export function renderTask(request: TaskRequest, context: TaskContext): TaskStatement {
  const { fragment, output } = request;
  const { root } = fragment;
  const select = renderPlan(root, planWorld(request, context));
  if (output.kind === 'result') {
    assert(root.kind === 'Output', 'the root fragment makes the result');
    const columns = root.columns.map(({ symbol }) => symbol);
    if (output.format === 'arrow') return resultBatches(select, columns, context);
    // A profile is written beside the result.
    const isTiny = !request.profile && rowsAtMost(root) * lineBytesMax(columns) <= TINY_RESULT_BYTES;
    return resultLines(select, columns, !output.millisecondsOnly, isTiny ? 'lines' : 'file', context);
  }
  if (output.partitions > 1) {
    assert(fragment.output?.kind === 'repartition', 'rows are cut into partitions for a repartitioning exchange');
    return partitions(select, fragment.output.keys, fragment.outputSymbols, output, context);
  }
  return single(`SELECT ${exactList(fragment.outputSymbols)} FROM (${select})`, output, context);
}

/** Which column of a partitioned output tells its partition. */
export const PARTITION_COLUMN = 'hash-partition';

/** On the way over a network snappy costs no time that the halved bytes do not save. */
const parquet = ({ compressed }: ExchangeOutput): string =>
  `FORMAT parquet, COMPRESSION ${compressed ? 'snappy' : 'uncompressed'}, RETURN_STATS`;

type ExchangeOutput = Extract<TaskRequest['output'], { kind: 'exchange' }>;

const single = (select: string, output: ExchangeOutput, context: TaskContext): TaskStatement => ({
  sql: `COPY (${select}) TO ${quote(`${context.directory}/0.parquet`)} (${parquet(output)})`,
  answer: { kind: 'statistics' },
});

function partitions(
  select: string,
  keys: readonly Symbol[],
  symbols: readonly Symbol[],
  output: ExchangeOutput,
  context: TaskContext,
): TaskStatement {
  // Without keys rows are spread by all of their columns: a task that runs again must cut them alike.
  const hashed = (keys.length > 0 ? keys : symbols).map((key) => keySql(key.type, exact(key)));
  const partition = hashed.length === 0 ? '0' : `CAST(hash(${hashed.join(', ')}) % ${output.partitions} AS INTEGER)`;
  const rows = `SELECT ${exactList(symbols)}, ${partition} AS ${identifier(PARTITION_COLUMN)} FROM (${select})`;
  return {
    sql: `COPY (${rows}) TO ${quote(context.directory)} (${parquet(output)}, PARTITION_BY (${identifier(PARTITION_COLUMN)}), OVERWRITE_OR_IGNORE)`,
    answer: { kind: 'statistics' },
  };
}

/** A result that is sure to be no longer than that spares the work of a file: it comes back with the task's status anyway. */
const TINY_RESULT_BYTES = 64 * 1024;

const lineBytesMax = (columns: readonly Symbol[]): number =>
  columns.reduce((sum, symbol) => sum + 1 + wireBytesMax(symbol.type), 2);

/**
 * Lines of JSON. A file of them is CSV of one column that is quoted by nobody: JSON text holds no line ends and no control
 * characters.
 */
function resultLines(
  select: string,
  columns: readonly Symbol[],
  parametricDatetime: boolean,
  kind: 'lines' | 'file',
  context: TaskContext,
): TaskStatement {
  const cells = columns.map((symbol) => wireSql(symbol.type, column(symbol), { parametricDatetime }));
  // No cell is NULL, which `concat` would leave out. A chain of operators would be as deep as there are columns, and slower.
  const lines = `SELECT concat('[', ${cells.join(`, ',', `)}, ']') FROM (${select})`;
  const path = `${context.directory}/0.jsonl`;
  const answer = { kind, path };
  if (kind === 'lines') return { sql: lines, answer };
  return {
    sql: `COPY (${lines}) TO ${quote(path)} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\u0001')`,
    answer,
  };
}

/** Columns by position, since the result's names may repeat. */
function resultBatches(select: string, columns: readonly Symbol[], context: TaskContext): TaskStatement {
  const path = `${context.directory}/0.arrow`;
  const values = columns.map((symbol, i) => `${arrowSql(symbol.type, exact(symbol))} AS "c${i}"`);
  return {
    sql: `SELECT ${values.join(', ')} FROM (${select})`,
    answer: { kind: 'file', path },
    arrow: { path, types: columns.map((symbol) => symbol.type) },
  };
}

function planWorld(request: TaskRequest, context: TaskContext): PlanWorld {
  const { session } = request;
  const { timeZone, now, user, catalog, schema } = session;
  return {
    expressions: {
      registry: context.registry,
      query: {
        timeZone,
        now,
        user,
        narrowDecimals: context.narrowDecimals,
        ...(catalog !== undefined && { catalog }),
        ...(schema !== undefined && { schema }),
      },
      column: identifier,
    },
    scan: (node, columns) => {
      const provider = context.providers[node.table.connector];
      assert(provider, `workers have a scan provider ${node.table.connector}`);
      return provider.scanSql(node.table.handle, request.splits[node.id] ?? [], columns, context.scan);
    },
    remote: (node) => renderRemote(node, context.inputs.get(node.id) ?? []),
    task: context.task,
    seed: session.seed,
  };
}

/** What a file does not tell: types of files without rows, which are not even written. */
function renderRemote(node: RemoteSourceNode, files: readonly string[]): string {
  if (files.length === 0) return emptySelect(node.symbols);
  const columns = node.symbols.map(
    (symbol) => `CAST(${column(symbol)} AS ${kernelType(symbol.type)}) AS ${column(symbol)}`,
  );
  const list = files.map((file) => quote(globFree(file))).join(', ');
  return `SELECT ${columns.join(', ') || NO_COLUMNS} FROM read_parquet([${list}], hive_partitioning = false)`;
}

/** The scans of a plan. */
export function scansOf(request: TaskRequest): readonly TableScanNode[] {
  const found: TableScanNode[] = [];
  const visit = (node: PlanNode): void => {
    if (node.kind === 'TableScan') found.push(node);
    sourcesOf(node).forEach(visit);
  };
  visit(request.fragment.root);
  return found;
}
