/** Regular expressions. The kernel's engine is RE2: what it cannot do is refused by name rather than misread. */

import { QueryError } from '../../../common/errors.ts';
import { quote } from '../../../types/kernel.ts';
import { raise } from '../../../types/raise.ts';
import { VARCHAR } from '../../../types/type.ts';
import type { Expression } from '../../expression.ts';
import { define, type FunctionDefinition, type Render } from '../definition.ts';
import { constantText, refuseWhere, whenPresent } from './constants.ts';

/** Java's syntax that RE2 has not. */
const BEYOND_RE2: readonly (readonly [RegExp, string])[] = [
  [/\(\?<?[=!]/, 'look-ahead and look-behind'],
  [/\(\?>/, 'atomic groups'],
  [/\\[1-9]/, 'back-references'],
  [/\\k</, 'named back-references'],
  [/[*+?}]\+/, 'possessive quantifiers'],
  [/&&/, 'intersections of character classes'],
];

/** A literal pattern in the kernel's syntax; other patterns are passed on as they are. */
function patternSql(sql: string, expression: Expression | undefined): string {
  const text = constantText(expression);
  if (text === undefined) return sql;
  const plain = text.replaceAll('\\\\', '');
  for (const [syntax, name] of BEYOND_RE2) {
    if (syntax.test(plain)) {
      throw new QueryError(
        'NOT_SUPPORTED',
        `Regular expressions with ${name} are not supported: ${text}; rewrite the pattern without them`,
      );
    }
  }
  return quote(text.replaceAll(/\(\?<([A-Za-z][A-Za-z0-9]*)>/g, '(?P<$1>'));
}

/** `$1` and `${name}` are groups, `\$` is a dollar; the kernel wants `\1`. */
function replacementSql(sql: string, replacement: Expression | undefined, pattern: Expression | undefined): string {
  const text = constantText(replacement);
  if (text === undefined) {
    return `regexp_replace(replace(${sql}, '\\', '\\\\'), '\\$(\\d)', '\\\\\\1', 'g')`;
  }
  const names = [...(constantText(pattern) ?? '').matchAll(/\((?!\?)|\(\?<([A-Za-z][A-Za-z0-9]*)>/g)].map((m) => m[1]);
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\\') {
      i++;
      const next = text[i];
      if (next === undefined) throw replacementError(text);
      out += next === '\\' ? '\\\\' : next;
    } else if (c === '$') {
      const rest = text.slice(i + 1);
      const number = /^\d+/.exec(rest)?.[0];
      const name = /^\{([A-Za-z][A-Za-z0-9]*)\}/.exec(rest);
      if (name) {
        const index = names.indexOf(name[1]);
        if (index < 0)
          throw new QueryError(
            'INVALID_FUNCTION_ARGUMENT',
            `Invalid replacement sequence: unknown group { ${name[1]} }.`,
          );
        out += `\\${index + 1}`;
        i += name[0].length;
      } else if (number !== undefined) {
        // As many digits as there are groups for.
        let digits = number[0]!;
        while (digits.length < number.length && Number(number.slice(0, digits.length + 1)) <= names.length) {
          digits = number.slice(0, digits.length + 1);
        }
        if (Number(digits) > names.length)
          throw new QueryError('INVALID_FUNCTION_ARGUMENT', `Illegal replacement sequence: unknown group ${digits}`);
        if (digits.length > 1)
          throw new QueryError('NOT_SUPPORTED', 'Replacements by groups above 9 are not supported');
        out += `\\${digits}`;
        i += digits.length;
      } else throw replacementError(text);
    } else out += c;
  }
  return quote(out);
}

const replacementError = (text: string): QueryError =>
  new QueryError('INVALID_FUNCTION_ARGUMENT', `Illegal replacement sequence: ${text}`);

const groups = (expression: Expression | undefined): number | undefined => {
  const text = constantText(expression);
  return text === undefined
    ? undefined
    : [
        ...text
          .replaceAll(/\\./g, '')
          .replaceAll(/\[[^\]]*\]/g, '')
          .matchAll(/\((?!\?)|\(\?<[A-Za-z]/g),
      ].length;
};

function checkGroup(pattern: Expression | undefined, group: Expression | undefined): void {
  const [count, wanted] = [groups(pattern), Number(constantText(group) ?? '0')];
  if (count !== undefined && (wanted < 0 || wanted > count)) {
    throw new QueryError(
      'INVALID_FUNCTION_ARGUMENT',
      wanted < 0 ? 'Group cannot be negative' : `Pattern has ${count} groups. Cannot access group ${wanted}`,
    );
  }
}

const extract: Render = ([s = '', pattern = '', group = '0'], { bind, expressions }) => {
  checkGroup(expressions[1], expressions[2]);
  const p = patternSql(pattern, expressions[1]);
  return bind(
    s,
    (t) => `CASE WHEN regexp_matches(${t}, ${p}) THEN regexp_extract(${t}, ${p}, CAST(${group} AS INTEGER)) END`,
  );
};

const extractAll: Render = ([s = '', pattern = '', group = '0'], { expressions }) => {
  checkGroup(expressions[1], expressions[2]);
  return `regexp_extract_all(${s}, ${patternSql(pattern, expressions[1])}, CAST(${group} AS INTEGER))`;
};

/** Each step of a walk copies what is left of the text. */
const WALKED_LENGTH_MAX = 10_000;

/**
 * `otherwise`, or `each` over the matches of a pattern that matches at every place, if only nothing: after a match RE2 skips
 * the empty one that Java finds there. The matches are a list `f` of `{'at', 'm'}`, how many characters stand before the match
 * and its text.
 */
function overMatches(text: string, pattern: string, each: (found: string) => string, otherwise: string): string {
  const everywhere = `regexp_full_match('', ${pattern}) AND NOT regexp_matches(${pattern}, '[\\^$]|\\\\[bBAzZ]')`;
  const m = `regexp_extract(a.rest, '^(?:' || ${pattern} || ')')`;
  const after = `{'rest': substr(a.rest, greatest(len(m), 1) + 1), 'at': a.at + greatest(len(m), 1), 'found': list_append(a.found, {'at': a.at, 'm': m})}`;
  const step = `CASE WHEN a.at > len(${text}) THEN a ELSE list_transform([${m}], lambda m: ${after})[1] END`;
  const found = `(list_reduce(list_transform(range(len(${text}) + 1), lambda i: ${walkFrom("''")}), lambda a, b: ${step}, ${walkFrom(text)})).found`;
  const tooLong = raise(
    'NOT_SUPPORTED',
    `A pattern that matches an empty text cannot be replaced or split by in texts above ${WALKED_LENGTH_MAX} characters`,
  );
  return `CASE WHEN ${text} IS NULL THEN NULL WHEN ${everywhere} AND len(${text}) > ${WALKED_LENGTH_MAX} THEN ${tooLong} WHEN ${everywhere} THEN list_transform([${found}], lambda f: ${each('f')})[1] ELSE ${otherwise} END`;
}

const walkFrom = (rest: string): string =>
  `{'rest': CAST(${rest} AS VARCHAR), 'at': CAST(0 AS BIGINT), 'found': CAST([] AS STRUCT("at" BIGINT, "m" VARCHAR)[])}`;

const replace: Render = ([s = '', pattern = '', replacement], { expressions, bind }) => {
  const p = patternSql(pattern, expressions[1]);
  const r = replacement === undefined ? `''` : replacementSql(replacement, expressions[2], expressions[1]);
  return bind(s, (t) => {
    const replaced = `regexp_replace(x.m, '^(?:' || ${p} || ')', ${r})`;
    const each = `lambda x: ${replaced} || CASE WHEN x.m = '' THEN substr(${t}, x.at + 1, 1) ELSE '' END`;
    return overMatches(
      t,
      p,
      (found) => `array_to_string(list_transform(${found}, ${each}), '')`,
      `regexp_replace(${t}, ${p}, ${r}, 'g')`,
    );
  });
};

const split: Render = ([s = '', pattern = ''], { expressions, bind }) => {
  const p = patternSql(pattern, expressions[1]);
  return bind(s, (t) => {
    const after = `lambda x: CASE WHEN x.m = '' THEN substr(${t}, x.at + 1, 1) ELSE '' END`;
    return overMatches(
      t,
      p,
      (found) => `list_prepend('', list_transform(${found}, ${after}))`,
      `regexp_split_to_array(${t}, ${p})`,
    );
  });
};

/** Where the n-th match at or after `start` begins; -1 where there is none. */
const position: Render = ([s = '', pattern = '', start = '1', nth = '1'], { bind, expressions }) => {
  const p = patternSql(pattern, expressions[1]);
  return bind(s, (t) =>
    bind(start, (from) =>
      bind(nth, (n) => {
        const rest = `substring(${t}, ${from})`;
        const parts = `regexp_split_to_array(${rest}, ${p})`;
        const matches = `regexp_extract_all(${rest}, ${p})`;
        const between = `len(array_to_string(${parts}[1:${n}], '')) + len(array_to_string(${matches}[1:${n} - 1], ''))`;
        const before = overMatches(rest, p, (found) => `${found}[${n}].at`, between);
        return refuseWhere(
          `${from} < 1`,
          `'start position cannot be smaller than 1'`,
          refuseWhere(
            `${n} < 1`,
            `'occurrence cannot be smaller than 1'`,
            whenPresent(
              [t, from, n],
              `CASE WHEN ${from} > len(${t}) OR len(${matches}) < ${n} THEN -1 ELSE CAST(${from} + ${before} AS INTEGER) END`,
            ),
          ),
        );
      }),
    ),
  );
};

/** The function also with a CHAR as its pattern, whose blanks at the end count. */
const withPattern = (text: string, render: Render): readonly FunctionDefinition[] => [
  define(text, render),
  define(text.replace(', varchar', ', char(y)'), ([s = '', pattern = '', ...rest], kit) => {
    const [subject, written, ...others] = kit.expressions;
    const length = written?.type.kind === 'char' ? written.type.length : 0;
    const constant = constantText(written);
    const padded: Expression | undefined =
      written?.kind === 'Constant' && constant !== undefined
        ? { kind: 'Constant', type: VARCHAR, value: constant.padEnd(length) }
        : written;
    return render([s, `rpad(${pattern}, ${length}, ' ')`, ...rest], {
      ...kit,
      expressions: [subject!, padded!, ...others],
    });
  }),
];

const matches: Render = ([s, p = ''], { expressions }) => `regexp_matches(${s}, ${patternSql(p, expressions[1])})`;

const count: Render = ([s, p = ''], { expressions }) =>
  `CAST(len(regexp_extract_all(${s}, ${patternSql(p, expressions[1])})) AS BIGINT)`;

export const REGEXPS: readonly FunctionDefinition[] = [
  ...withPattern('regexp_like(varchar, varchar): boolean', matches),
  ...withPattern('regexp_extract(varchar(x), varchar): varchar(x)', extract),
  ...withPattern('regexp_extract(varchar(x), varchar, bigint): varchar(x)', extract),
  ...withPattern('regexp_extract_all(varchar(x), varchar): array(varchar(x))', extractAll),
  ...withPattern('regexp_extract_all(varchar(x), varchar, bigint): array(varchar(x))', extractAll),
  ...withPattern('regexp_replace(varchar, varchar): varchar', replace),
  ...withPattern('regexp_replace(varchar, varchar, varchar): varchar', replace),
  ...withPattern('regexp_split(varchar(x), varchar): array(varchar(x))', split),
  ...withPattern('regexp_count(varchar, varchar): bigint', count),
  ...withPattern('regexp_position(varchar, varchar): integer', position),
  ...withPattern('regexp_position(varchar, varchar, bigint): integer', position),
  ...withPattern('regexp_position(varchar, varchar, bigint, bigint): integer', position),
];
