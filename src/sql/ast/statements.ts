/** Statements of every kind; a query is one of them. */

import type { Expression, Identifier, QualifiedName, StringLiteral } from './expressions.ts';
import type { Node } from './node.ts';
import type { Query } from './queries.ts';
import type { Table, TableSubquery } from './relations.ts';

export type Statement =
  | Query
  | Explain
  | ExplainAnalyze
  | ShowCatalogs
  | ShowSchemas
  | ShowTables
  | ShowColumns
  | ShowFunctions
  | ShowSession
  | ShowCreate
  | ShowStats
  | Use
  | SetSession
  | ResetSession
  | SetSessionAuthorization
  | ResetSessionAuthorization
  | SetPath
  | SetTimeZone
  | Prepare
  | Deallocate
  | Execute
  | ExecuteImmediate
  | DescribeInput
  | DescribeOutput
  | DescribeQueryOutput
  | StartTransaction
  | Commit
  | Rollback;

export type ExplainOption =
  | (Node<'ExplainFormat'> & { readonly format: 'TEXT' | 'GRAPHVIZ' | 'JSON' })
  | (Node<'ExplainType'> & { readonly type: 'LOGICAL' | 'DISTRIBUTED' | 'VALIDATE' | 'IO' });

export type Explain = Node<'Explain'> & { readonly options: readonly ExplainOption[]; readonly statement: Statement };
export type ExplainAnalyze = Node<'ExplainAnalyze'> & { readonly verbose: boolean; readonly statement: Statement };

/** `LIKE 'pattern' [ESCAPE 'c']` of the SHOW statements. */
export type LikeClause = { readonly pattern: StringLiteral; readonly escape?: StringLiteral };

export type ShowCatalogs = Node<'ShowCatalogs'> & { readonly like?: LikeClause };
export type ShowSchemas = Node<'ShowSchemas'> & { readonly catalog?: Identifier; readonly like?: LikeClause };
export type ShowTables = Node<'ShowTables'> & { readonly schema?: QualifiedName; readonly like?: LikeClause };
/** Also `DESCRIBE table`. */
export type ShowColumns = Node<'ShowColumns'> & { readonly table: QualifiedName; readonly like?: LikeClause };
export type ShowFunctions = Node<'ShowFunctions'> & { readonly schema?: QualifiedName; readonly like?: LikeClause };
export type ShowSession = Node<'ShowSession'> & { readonly like?: LikeClause };
export type ShowCreate = Node<'ShowCreate'> & {
  readonly type: 'TABLE' | 'SCHEMA' | 'VIEW' | 'MATERIALIZED VIEW' | 'FUNCTION';
  readonly name: QualifiedName;
};
export type ShowStats = Node<'ShowStats'> & { readonly relation: Table | TableSubquery };

export type Use = Node<'Use'> & { readonly catalog?: Identifier; readonly schema: Identifier };
export type SetSession = Node<'SetSession'> & { readonly name: QualifiedName; readonly value: Expression };
export type ResetSession = Node<'ResetSession'> & { readonly name: QualifiedName };
export type SetSessionAuthorization = Node<'SetSessionAuthorization'> & { readonly user: Identifier | StringLiteral };
export type ResetSessionAuthorization = Node<'ResetSessionAuthorization'>;
/** Each element has one part (schema) or two (catalog.schema). */
export type SetPath = Node<'SetPath'> & { readonly path: readonly QualifiedName[] };
/** Without `timeZone`: LOCAL. */
export type SetTimeZone = Node<'SetTimeZone'> & { readonly timeZone?: Expression };

export type Prepare = Node<'Prepare'> & { readonly name: Identifier; readonly statement: Statement };
export type Deallocate = Node<'Deallocate'> & { readonly name: Identifier };
export type Execute = Node<'Execute'> & { readonly name: Identifier; readonly parameters: readonly Expression[] };
export type ExecuteImmediate = Node<'ExecuteImmediate'> & {
  readonly sql: StringLiteral;
  readonly parameters: readonly Expression[];
};
export type DescribeInput = Node<'DescribeInput'> & { readonly name: Identifier };
export type DescribeOutput = Node<'DescribeOutput'> & { readonly name: Identifier };

/** `DESCRIBE OUTPUT (query)`. */
export type DescribeQueryOutput = Node<'DescribeQueryOutput'> & { readonly query: Query };

export type TransactionMode =
  | (Node<'Isolation'> & {
      readonly level: 'READ UNCOMMITTED' | 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';
    })
  | (Node<'TransactionAccess'> & { readonly readOnly: boolean });
export type StartTransaction = Node<'StartTransaction'> & { readonly modes: readonly TransactionMode[] };
export type Commit = Node<'Commit'>;
export type Rollback = Node<'Rollback'>;
