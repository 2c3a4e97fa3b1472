/** Every node yields only what is read of it, down to the columns that scans read. */

import type { Expression, Symbol } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { partsOfAggregate, referencesIn } from '../expressions.ts';
import { expressionsOf } from '../node-expressions.ts';
import type { PlanNode, TableScanNode } from '../nodes.ts';
import { outputsOf, sourcesOf, withSources } from '../nodes.ts';
import type { Rule, RuleContext } from '../rule.ts';

export const pruneColumns: Rule = {
  name: 'prune-columns',
  apply: (node, context) => {
    if (node.kind !== 'Output') return undefined;
    const source = prune(node.source, new Set(node.columns.map((column) => column.symbol.name)), context);
    return source === node.source ? undefined : { ...node, source };
  },
};

type Names = ReadonlySet<string>;

function namesIn(expressions: readonly Expression[]): Names {
  const names = new Set<string>();
  for (const expression of expressions) for (const name of referencesIn(expression)) names.add(name);
  return names;
}

const union = (a: Names, b: Names): Names => new Set([...a, ...b]);

/** The same rows with at least the columns in `needed`. Names of rows around a subquery may be among them. */
function prune(node: PlanNode, needed: Names, context: RuleContext): PlanNode {
  const wanted = ({ name }: Symbol): boolean => needed.has(name);
  switch (node.kind) {
    case 'TableScan':
      return pruneScan(node, needed);
    case 'Values': {
      if (node.symbols.every(wanted)) return node;
      const kept = node.symbols.map((symbol, i) => ({ symbol, i })).filter(({ symbol }) => wanted(symbol));
      return {
        ...node,
        symbols: kept.map(({ symbol }) => symbol),
        rows: node.rows.map((row) => kept.map(({ i }) => row[i]!)),
      };
    }
    case 'Project': {
      const assignments = node.assignments.filter(({ symbol }) => wanted(symbol));
      const source = prune(node.source, namesIn(assignments.map(({ expression }) => expression)), context);
      return assignments.length === node.assignments.length && source === node.source
        ? node
        : { ...node, source, assignments };
    }
    case 'Aggregation': {
      const aggregations = node.aggregations.filter(({ symbol }) => wanted(symbol));
      const read = [...node.keys.map(reference), ...aggregations.flatMap(({ call }) => partsOfAggregate(call))];
      const source = prune(node.source, namesIn(read), context);
      if (aggregations.length === node.aggregations.length && source === node.source) return node;
      return { ...node, source, aggregations };
    }
    case 'Window': {
      const functions = node.functions.filter(({ symbol }) => wanted(symbol));
      if (functions.length === 0) return prune(node.source, needed, context);
      const kept = functions.length === node.functions.length ? node : { ...node, functions };
      return withSources(kept, [prune(node.source, union(needed, namesIn(expressionsOf(kept))), context)]);
    }
    case 'AssignUniqueId':
      if (!wanted(node.symbol)) return prune(node.source, needed, context);
      return withSources(node, [prune(node.source, needed, context)]);
    case 'SemiJoin': {
      if (!wanted(node.output)) return prune(node.source, needed, context);
      return withSources(node, [
        prune(node.source, union(needed, namesIn(node.sourceKeys.map(reference))), context),
        prune(node.filteringSource, namesIn(node.filteringKeys.map(reference)), context),
      ]);
    }
    case 'SetOperation': {
      const all = node.operation !== 'UNION ALL' || node.symbols.every(wanted);
      const kept = node.symbols.map((symbol, i) => ({ symbol, i })).filter(({ symbol }) => all || wanted(symbol));
      const inputs = all ? node.inputs : node.inputs.map((input) => kept.map(({ i }) => input[i]!));
      const sources = node.sources.map((source, s) => prune(source, namesIn(inputs[s]!.map(reference)), context));
      return withSources(all ? node : { ...node, symbols: kept.map(({ symbol }) => symbol), inputs }, sources);
    }
    case 'Unnest': {
      const replicate = node.replicate.filter(wanted);
      const kept = replicate.length === node.replicate.length ? node : { ...node, replicate };
      return withSources(kept, [prune(node.source, namesIn(expressionsOf(kept)), context)]);
    }
    case 'Exchange': {
      const read = union(needed, namesIn(expressionsOf(node)));
      return withSources(node, [narrowed(prune(node.source, read, context), read, context)]);
    }
    case 'Apply':
      return pruneApply(node, needed, context);
    case 'RecursiveUnion':
      return withSources(node, [
        prune(node.initial, namesIn(node.initialInputs.map(reference)), context),
        prune(node.step, namesIn(node.stepInputs.map(reference)), context),
      ]);
    case 'Filter':
    case 'Join':
    case 'Sort':
    case 'TopN':
    case 'Limit':
    case 'Sample':
    case 'EnforceSingleRow': {
      const read = union(needed, namesIn(expressionsOf(node)));
      return withSources(
        node,
        sourcesOf(node).map((source) => prune(source, read, context)),
      );
    }
    case 'WorkingTable':
    case 'RemoteSource':
    case 'Output':
      return node;
  }
}

/** A subquery reads columns of the rows around it: those are what it needs of the source. */
function pruneApply(node: Extract<PlanNode, { kind: 'Apply' }>, needed: Names, context: RuleContext): PlanNode {
  const own = namesIn(expressionsOf(node));
  const yields = node.form.kind === 'lateral' || node.form.kind === 'scalar';
  // What EXISTS looks for is a row, whatever its columns.
  const subquery = prune(node.subquery, yields ? union(needed, own) : own, context);
  const source = prune(node.source, union(needed, own), context);
  return withSources(node, [source, subquery]);
}

/** At least one column stays, the cheapest to read, so that rows can be counted. */
function pruneScan(node: TableScanNode, needed: Names): TableScanNode {
  const kept = node.columns.filter(({ symbol }) => needed.has(symbol.name));
  if (kept.length === node.columns.length || node.columns.length <= 1) return node;
  if (kept.length > 0) return { ...node, columns: kept };
  const cheapest = node.columns.find(({ column }) => CHEAP.has(column.type.kind)) ?? node.columns[0]!;
  return { ...node, columns: [cheapest] };
}

const CHEAP: ReadonlySet<string> = new Set(['boolean', 'tinyint', 'smallint', 'integer', 'date', 'bigint', 'double']);

/** Project(x) with only what an exchange must move. */
function narrowed(node: PlanNode, needed: Names, context: RuleContext): PlanNode {
  const outputs = outputsOf(node);
  const kept = outputs.filter(({ name }) => needed.has(name));
  if (kept.length === outputs.length || kept.length === 0) return node;
  return {
    kind: 'Project',
    id: context.newId(),
    source: node,
    assignments: kept.map((symbol) => ({ symbol, expression: reference(symbol) })),
  };
}
