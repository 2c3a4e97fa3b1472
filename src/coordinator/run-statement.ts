/** What each kind of statement comes to: a change of the session, an explanation, or rows from the cluster. */

import type { Metadata } from '../catalog/metadata.ts';
import type { ClusterClient } from '../cluster/cluster-client.ts';
import { assert } from '../common/assert.ts';
import type { Clock } from '../common/clock.ts';
import { QueryError } from '../common/errors.ts';
import type { TableReference } from '../plan/nodes.ts';
import type { OptimizedQuery } from '../plan/optimizer.ts';
import type { ClusterShape } from '../plan/rule.ts';
import { parametersOf } from '../sql/analyzer/describe.ts';
import type { Execute, ExecuteImmediate, Expression, Statement } from '../sql/ast.ts';
import { parseStatement } from '../sql/parser.ts';
import { sessionProperty } from '../sql/session-properties.ts';
import { Execution, type ExecutionOptions } from './execution.ts';
import { explainAnalyze, explainStatement } from './explain.ts';
import type { Outcome, Query } from './query.ts';
import type { TaskRunner } from './remote-task.ts';
import { deliver } from './deliver.ts';
import { checkedTimeZone, preparedText, runSessionCommand } from './session-commands.ts';
import { splitsOf } from './scan-splits.ts';
import type { Transactions } from './transactions.ts';
import type { WorkerPool } from './worker-pool.ts';

/** A statement with the text it was parsed from, and the values of its parameters. */
export type BoundStatement = {
  readonly statement: Statement;
  readonly text: string;
  readonly parameters: readonly Expression[];
  /** What is described, when the statement is DESCRIBE INPUT or DESCRIBE OUTPUT; `text` is this one's. */
  readonly prepared?: Statement;
};

/** Analysis and planning of one statement. */
export type PlanStatement = (
  bound: BoundStatement,
  context: { readonly query: Query; readonly metadata: Metadata; readonly cluster: ClusterShape },
) => Promise<OptimizedQuery>;

export type StatementEnvironment = {
  readonly pool: WorkerPool;
  readonly runner: TaskRunner;
  readonly client: ClusterClient;
  readonly clock: Clock;
  /** What one query sees of the catalogs. */
  readonly metadata: () => Metadata;
  /** Which processes see the local files that this one sees. */
  readonly hostId: string;
  /** Does the table lie in files that are seen on this machine alone? */
  readonly isLocal: (table: TableReference) => boolean;
  readonly planStatement: PlanStatement;
  readonly transactions: Transactions;
  /** A query's files on workers are not needed any more. */
  readonly removeFiles: (query: Query) => void;
  readonly adapt: (planned: OptimizedQuery, query: Query) => ExecutionOptions['adapt'];
};

export async function runStatement(query: Query, environment: StatementEnvironment): Promise<Outcome> {
  checkedTimeZone(query.session.timeZone);
  const bound = bind(query);
  const { statement, text } = bound;
  const metadata = environment.metadata();
  const { pool, transactions } = environment;
  query.hasWorkers = () => pool.workers().length > 0;
  if (query.submission.transactionId !== undefined) transactions.use(query.submission.transactionId);
  const command = await runSessionCommand(statement, text, query, { metadata, transactions });
  if (command) return command;
  const plan = (inner: Statement): Promise<OptimizedQuery> =>
    environment.planStatement({ ...bound, statement: inner }, { query, metadata, cluster: shapeOf(pool) });
  if (statement.kind === 'Explain') return explainStatement(statement, plan);
  const analyze = statement.kind === 'ExplainAnalyze';
  const planned = await plan(analyze ? statement.statement : statement);
  if (query.isDone) throw new QueryError('USER_CANCELED', 'Query was canceled');
  const execution = start(planned, query, metadata, environment, analyze);
  if (analyze) {
    await execution.resultFiles();
    execution.end();
    return explainAnalyze(planned, execution);
  }
  const columns = planned.plan.columns.map(({ name, symbol }) => ({ name, type: symbol.type }));
  return deliver({ query, execution, columns, environment });
}

/** The statement to run: for EXECUTE the prepared one, with the parameters' values. */
function bind(query: Query): BoundStatement {
  const { text } = query.submission;
  const statement = parseStatement(text);
  if (statement.kind === 'Execute') {
    const prepared = preparedText(query, statement.name.value.toLowerCase());
    return withParameters(prepared, statement);
  }
  if (statement.kind === 'ExecuteImmediate') {
    return withParameters(statement.sql.value, statement);
  }
  if (statement.kind === 'DescribeInput' || statement.kind === 'DescribeOutput') {
    const prepared = preparedText(query, statement.name.value.toLowerCase());
    return { statement, text: prepared, parameters: [], prepared: parseStatement(prepared) };
  }
  return { statement, text, parameters: [] };
}

function withParameters(text: string, { parameters, location }: Execute | ExecuteImmediate): BoundStatement {
  const statement = parseStatement(text);
  const expected = parametersOf(statement).length;
  if (expected === parameters.length) return { statement, text, parameters };
  const say = `Incorrect number of parameters: expected ${expected} but found ${parameters.length}`;
  throw new QueryError('INVALID_PARAMETER_USAGE', say, location);
}

function start(
  planned: OptimizedQuery,
  query: Query,
  metadata: Metadata,
  environment: StatementEnvironment,
  profile: boolean,
): Execution {
  const { pool, runner, clock, isLocal } = environment;
  const { session, submission } = query;
  const setting = (name: string): number => Number(sessionProperty(session.properties, name));
  const slots = Math.max(1, pool.slots());
  const forced = sessionProperty(session.properties, 'distribution') === 'FORCED';
  const slotsByHost = pool.slotsByHost();
  const limits = {
    slots,
    slotsByHost,
    bytesMax: Math.max(1, setting('split_bytes_max')),
    bytesMin: forced ? 1 : TASK_BYTES_MIN,
  };
  const execution = new Execution({
    queryId: query.id,
    plan: planned.plan,
    session: {
      user: session.user,
      timeZone: session.timeZone,
      now: session.now,
      ...(session.catalog !== undefined && { catalog: session.catalog }),
      ...(session.schema !== undefined && { schema: session.schema }),
    },
    result: {
      kind: 'result',
      // EXPLAIN ANALYZE has no use for its rows.
      format: profile ? 'json-lines' : submission.format,
      millisecondsOnly: submission.millisecondsOnly,
    },
    profile,
    partitions: setting('hash_partition_count') || slots,
    pool,
    runner,
    clock,
    assign: (fragment) =>
      splitsOf(fragment, metadata, limits, (table) =>
        isLocal(table) ? pool.machinesOfHost(environment.hostId) : undefined,
      ),
    adapt: environment.adapt(planned, query),
  });
  assert(!query.execution, 'a query runs one plan');
  query.execution = execution;
  query.enter('STARTING');
  execution.start();
  query.enter('RUNNING');
  return execution;
}

/** A task of less is not worth its overhead of a few milliseconds. */
const TASK_BYTES_MIN = 1024 * 1024;

export function shapeOf(pool: WorkerPool): ClusterShape {
  const workers = pool.workers();
  const threads = workers.map((worker) => worker.announcement.threads);
  return { workers: Math.max(1, workers.length), threadsPerWorker: Math.max(1, ...threads) };
}
