/** Writes windows, their frames, and row patterns. */
import type {
  Expression,
  FrameBound,
  MeasureDefinition,
  PatternQuantifier,
  RowPattern,
  SkipTo,
  SubsetDefinition,
  VariableDefinition,
  WindowFrame,
  WindowSpecification,
} from '../ast.ts';
import { writeIdentifier, writeOrderBy } from './expression.ts';

type Write = (expression: Expression) => string;

/** With its parentheses. */
export function writeWindow(window: WindowSpecification, write: Write): string {
  const parts = [
    ...(window.existingName ? [writeIdentifier(window.existingName)] : []),
    ...writePartitionBy(window.partitionBy, write),
    ...(window.orderBy ? [writeOrderBy(window.orderBy, write)] : []),
    ...(window.frame ? [writeFrame(window.frame, write)] : []),
  ];
  return `(${parts.join(' ')})`;
}

export const writePartitionBy = (expressions: readonly Expression[], write: Write): string[] =>
  expressions.length > 0 ? [`PARTITION BY ${expressions.map(write).join(', ')}`] : [];

function writeFrame(frame: WindowFrame, write: Write): string {
  const start = writeBound(frame.frameStart, write);
  const extent = frame.frameEnd ? `BETWEEN ${start} AND ${writeBound(frame.frameEnd, write)}` : start;
  return [
    ...writeMeasures(frame.measures, write),
    `${frame.type} ${extent}`,
    ...writeMatching(frame),
    ...(frame.pattern ? [`PATTERN (${writePattern(frame.pattern)})`] : []),
    ...writeDefinitions(frame, write),
  ].join(' ');
}

const writeBound = ({ type, value }: FrameBound, write: Write): string => (value ? `${write(value)} ${type}` : type);

export function writeMeasures(measures: readonly MeasureDefinition[], write: Write): string[] {
  const written = measures.map(({ expression, name }) => `${write(expression)} AS ${writeIdentifier(name)}`);
  return written.length > 0 ? [`MEASURES ${written.join(', ')}`] : [];
}

/** AFTER MATCH and the search mode. */
export function writeMatching(node: { afterMatch?: SkipTo; searchMode?: string }): string[] {
  return [...(node.afterMatch ? [writeSkipTo(node.afterMatch)] : []), ...(node.searchMode ? [node.searchMode] : [])];
}

function writeSkipTo({ position, variable }: SkipTo): string {
  if (position === 'PAST LAST ROW') return 'AFTER MATCH SKIP PAST LAST ROW';
  return `AFTER MATCH SKIP TO ${position}${variable ? ` ${writeIdentifier(variable)}` : ''}`;
}

/** SUBSET and DEFINE. */
export function writeDefinitions(
  node: { subsets: readonly SubsetDefinition[]; variables: readonly VariableDefinition[] },
  write: Write,
): string[] {
  const subsets = node.subsets.map(
    ({ name, variables }) => `${writeIdentifier(name)} = (${variables.map(writeIdentifier).join(', ')})`,
  );
  const variables = node.variables.map(({ name, expression }) => `${writeIdentifier(name)} AS ${write(expression)}`);
  return [
    ...(subsets.length > 0 ? [`SUBSET ${subsets.join(', ')}`] : []),
    ...(variables.length > 0 ? [`DEFINE ${variables.join(', ')}`] : []),
  ];
}

export function writePattern(pattern: RowPattern): string {
  switch (pattern.kind) {
    case 'PatternVariable':
      return writeIdentifier(pattern.name);
    case 'EmptyPattern':
      return '()';
    case 'AnchorPattern':
      return pattern.type === 'PARTITION_START' ? '^' : '$';
    case 'ExcludedPattern':
      return `{- ${writePattern(pattern.pattern)} -}`;
    case 'PatternPermutation':
      return `PERMUTE(${pattern.patterns.map(writePattern).join(', ')})`;
    case 'PatternConcatenation':
      return `(${pattern.patterns.map(writePattern).join(' ')})`;
    case 'PatternAlternation':
      return `(${pattern.patterns.map(writePattern).join(' | ')})`;
    case 'QuantifiedPattern':
      // Without parentheses `(a*)?` would read as one reluctant quantifier.
      return `(${writePattern(pattern.pattern)})${writeQuantifier(pattern.quantifier)}`;
  }
}

function writeQuantifier({ atLeast, atMost, greedy }: PatternQuantifier): string {
  return `{${atLeast},${atMost ?? ''}}${greedy ? '' : '?'}`;
}
