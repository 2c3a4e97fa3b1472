/** The SQL/JSON functions and JSON_TABLE. */

import type { DataType } from './data-types.ts';
import type { Expression, Identifier, StringLiteral } from './expressions.ts';
import type { Node } from './node.ts';

export type JsonFormat = 'JSON' | 'UTF8' | 'UTF16' | 'UTF32';
export type JsonValueExpression = { readonly value: Expression; readonly format?: JsonFormat };
export type JsonPathInvocation = {
  readonly input: JsonValueExpression;
  readonly path: StringLiteral;
  readonly pathName?: Identifier;
  readonly passing: readonly (JsonValueExpression & { readonly name: Identifier })[];
};
export type JsonBehavior = { readonly kind: 'ERROR' | 'NULL' | 'EMPTY ARRAY' | 'EMPTY OBJECT' };
export type JsonValueBehavior =
  | { readonly kind: 'ERROR' | 'NULL' }
  | { readonly kind: 'DEFAULT'; readonly value: Expression };
export type JsonWrapper = 'WITHOUT' | 'CONDITIONAL' | 'UNCONDITIONAL';
export type JsonReturning = { readonly type: DataType; readonly format?: JsonFormat };

export type JsonExists = Node<'JsonExists'> & {
  readonly invocation: JsonPathInvocation;
  readonly onError?: 'TRUE' | 'FALSE' | 'UNKNOWN' | 'ERROR';
};
export type JsonValue = Node<'JsonValue'> & {
  readonly invocation: JsonPathInvocation;
  readonly returning?: DataType;
  readonly onEmpty?: JsonValueBehavior;
  readonly onError?: JsonValueBehavior;
};
export type JsonQuery = Node<'JsonQuery'> & {
  readonly invocation: JsonPathInvocation;
  readonly returning?: JsonReturning;
  readonly wrapper?: JsonWrapper;
  readonly quotes?: 'KEEP' | 'OMIT';
  readonly onEmpty?: JsonBehavior;
  readonly onError?: JsonBehavior;
};
export type JsonObject = Node<'JsonObject'> & {
  readonly members: readonly { readonly key: Expression; readonly value: JsonValueExpression }[];
  readonly nullOnNull: boolean;
  readonly uniqueKeys: boolean;
  readonly returning?: JsonReturning;
};
export type JsonArray = Node<'JsonArray'> & {
  readonly elements: readonly JsonValueExpression[];
  readonly nullOnNull: boolean;
  readonly returning?: JsonReturning;
};

export type JsonTable = Node<'JsonTable'> & {
  readonly invocation: JsonPathInvocation;
  readonly columns: readonly JsonTableColumn[];
  readonly plan?: JsonTablePlan | JsonTableDefaultPlan;
  readonly onError?: 'ERROR' | 'EMPTY';
};
export type JsonTableColumn =
  | (Node<'OrdinalityColumn'> & { readonly name: Identifier })
  | (Node<'ValueColumn'> & {
      readonly name: Identifier;
      readonly type: DataType;
      readonly path?: StringLiteral;
      readonly onEmpty?: JsonValueBehavior;
      readonly onError?: JsonValueBehavior;
    })
  | (Node<'QueryColumn'> & {
      readonly name: Identifier;
      readonly type: DataType;
      readonly format: JsonFormat;
      readonly path?: StringLiteral;
      readonly wrapper?: JsonWrapper;
      readonly quotes?: 'KEEP' | 'OMIT';
      readonly onEmpty?: JsonBehavior;
      readonly onError?: JsonBehavior;
    })
  | (Node<'NestedColumns'> & {
      readonly path: StringLiteral;
      readonly pathName?: Identifier;
      readonly columns: readonly JsonTableColumn[];
    });
export type JsonTablePlan =
  | (Node<'PlanLeaf'> & { readonly name: Identifier })
  | (Node<'PlanParentChild'> & {
      readonly type: 'OUTER' | 'INNER';
      readonly parent: Identifier;
      readonly child: JsonTablePlan;
    })
  | (Node<'PlanSiblings'> & { readonly type: 'UNION' | 'CROSS'; readonly siblings: readonly JsonTablePlan[] });
export type JsonTableDefaultPlan = Node<'JsonTableDefaultPlan'> & {
  readonly parentChild: 'OUTER' | 'INNER';
  readonly siblings: 'UNION' | 'CROSS';
};
