/** Arrays, and functions that take lambdas over them. Comparisons go by keys, see `keySql`. */

import { hasKeyOfItsOwn, kernelType, keySql } from '../../../types/kernel.ts';
import { hasOrderKey, orderKeySql } from '../../../types/order-key.ts';
import { array, type SqlType, VARCHAR } from '../../../types/type.ts';
import { define, type FunctionDefinition, type Render } from '../definition.ts';
import { raise } from '../../../types/raise.ts';
import { listFor } from '../../render/volatile.ts';
import { refuseWhere, whenPresent } from './constants.ts';
import { elementOf, firstsOf, histogramOf, keysOf, placeOf } from './keys.ts';
import { applied, equalityOf, lambdaOver } from './lambdas.ts';

/** Elements of `list` whose place is the first of their key; the kernel's own loses order and NULLs. */
const distinct = (list: string, element: SqlType): string =>
  hasKeyOfItsOwn(element)
    ? firstsOf(list, (x) => keySql(element, x, 1))
    : `list_filter(${list}, lambda x, i: list_position(${list}, x) = i)`;

const binary =
  (body: (a: string, b: string, element: SqlType) => string): Render =>
  ([a = '', b = ''], { types, bind }) =>
    bind(a, (x) => bind(b, (y) => whenPresent([x, y], body(x, y, elementOf(types[0])))));

const holds = (list: string, element: SqlType, item: string): string => `${placeOf(list, element, item)} IS NOT NULL`;

const union = (a: string, b: string, element: SqlType): string => distinct(`list_concat(${a}, ${b})`, element);
/** In the order of the longer one. */
const intersect = (a: string, b: string, element: SqlType): string =>
  `CASE WHEN len(${a}) < len(${b}) THEN ${common(b, a, element)} ELSE ${common(a, b, element)} END`;
const common = (a: string, b: string, element: SqlType): string =>
  `list_filter(${distinct(a, element)}, lambda y: ${holds(b, element, 'y')})`;
const except = (a: string, b: string, element: SqlType): string =>
  `list_filter(${distinct(a, element)}, lambda y: NOT (${holds(b, element, 'y')}))`;

/** NULL when there is no common element but a NULL on either side. */
const overlap = (a: string, b: string, element: SqlType): string => {
  const shared = `len(list_filter(${a}, lambda y: y IS NOT NULL AND ${holds(b, element, 'y')})) > 0`;
  return `CASE WHEN ${shared} THEN true WHEN len(${a}) > 0 AND len(${b}) > 0 AND (list_position(${a}, NULL) IS NOT NULL OR list_position(${b}, NULL) IS NOT NULL) THEN NULL ELSE false END`;
};

/** Whether the kernel's equality of keys is `=`: NaN equals nothing, and parts that are NULL leave it open. */
const isPlain = ({ kind }: SqlType): boolean => !['real', 'double', 'array', 'row', 'map'].includes(kind);

const indeterminate = (name: string): string =>
  raise('NOT_SUPPORTED', `${name} does not support arrays with elements that are null or contain null`);

/** Where the first element stands that equals `item`, as `body` wants it; NULL where there is none. */
const search =
  (name: string, body: (place: string, list: string) => string): Render =>
  ([list = '', item = ''], kit) => {
    const element = elementOf(kit.types[0]);
    return kit.bind(list, (l) =>
      kit.bind(item, (x) => {
        if (isPlain(element)) return whenPresent([l, x], body(placeOf(l, element, x), l));
        const e = kit.fresh();
        const equal = equalityOf(element, kit)(e, x);
        const verdicts = `list_transform(${l}, lambda ${e}: CASE WHEN ${e} IS NULL THEN false ELSE ${equal} END)`;
        const place = kit.bind(
          verdicts,
          (v) =>
            `CASE WHEN list_position(${v}, NULL) < coalesce(list_position(${v}, true), len(${v}) + 1) THEN ${indeterminate(name)} ELSE list_position(${v}, true) END`,
        );
        return whenPresent([l, x], body(place, l));
      }),
    );
  };

/** NULL when the element is not there but a NULL is. */
const contains = search(
  'contains',
  (place, list) =>
    `CASE WHEN ${place} IS NOT NULL THEN true WHEN list_position(${list}, NULL) IS NOT NULL THEN NULL ELSE false END`,
);

const position = search('array_position', (place) => `CAST(coalesce(${place}, 0) AS BIGINT)`);

const elementAt: Render = ([list = '', index = ''], { bind }) =>
  bind(index, (i) => refuseWhere(`${i} = 0`, `'SQL array indices start at 1'`, `${list}[${i}]`));

const sortKey = (element: SqlType, list: string, sort: (keys: string) => string): string =>
  hasOrderKey(element)
    ? `list_transform(list_sort(list_transform(${list}, lambda k: {'n': k IS NULL, 'k': ${orderKeySql(element, 'k')}, 'v': k})), lambda k: k.v)`
    : sort(list);

const extreme =
  (name: 'min' | 'max'): Render =>
  ([list = ''], { types, bind }) => {
    const element = elementOf(types[0]);
    return bind(list, (l) => {
      const key = orderKeySql(element, 'k', name === 'max' ? 'first' : 'last');
      const best =
        key === 'k'
          ? `list_${name}(${l})`
          : `list_${name}(list_transform(${l}, lambda k, i: {'k': ${key}, 'i': ${name === 'max' ? '-i' : 'i'}, 'v': k})).v`;
      return `CASE WHEN list_position(${l}, NULL) IS NULL AND len(${l}) > 0 THEN ${best} END`;
    });
  };

/** Three-valued: true when any is, else NULL when any is unknown. */
const match =
  (kind: 'any' | 'all' | 'none'): Render =>
  ([list = '', lambda = ''], { bind }) =>
    bind(list, (l) => {
      const decides = kind === 'all' ? 'false' : 'true';
      const verdict = kind === 'any' ? 'true' : 'false';
      const results = `list_transform(${l}, ${lambda})`;
      return bind(
        results,
        (r) =>
          `CASE WHEN ${r} IS NULL THEN NULL WHEN list_position(${r}, ${decides}) IS NOT NULL THEN ${verdict} WHEN list_position(${r}, NULL) IS NOT NULL THEN NULL ELSE ${verdict === 'true' ? 'false' : 'true'} END`,
      );
    });

/** Starts from a state of another type than the elements', which the kernel's own reduce cannot: both ride in a struct. */
const reduce: Render = ([list = '', initial = '', step = '', finish = ''], kit) => {
  const [, , combine] = kit.types;
  const state = combine?.kind === 'function' ? combine.result : kit.type;
  const element = elementOf(kit.types[0]);
  const kernelState = kernelType(state);
  const [s, x] = [kit.fresh(), kit.fresh()];
  const body = applied(step, [`${s}.s`, `${x}.e`]);
  const wrapped = `list_transform(${list}, lambda ${x}: {'s': CAST(NULL AS ${kernelState}), 'e': CAST(${x} AS ${kernelType(element)})})`;
  const start = `{'s': CAST(${initial} AS ${kernelState}), 'e': CAST(NULL AS ${kernelType(element)})}`;
  const reduced = `list_reduce(${wrapped}, lambda ${s}, ${x}: {'s': CAST(${body} AS ${kernelState}), 'e': CAST(NULL AS ${kernelType(element)})}, ${start})`;
  return kit.bind(list, (l) =>
    whenPresent(
      [l],
      kit.bind(`(${reduced}).s`, (r) => applied(finish, [r])),
    ),
  );
};

const zipWith: Render = ([a = '', b = '', lambda = ''], { bind, fresh }) =>
  bind(a, (x) =>
    bind(b, (y) => {
      const i = fresh();
      const body = applied(lambda, [`${x}[${i}]`, `${y}[${i}]`]);
      return whenPresent([x, y], `list_transform(range(1, greatest(len(${x}), len(${y})) + 1), lambda ${i}: ${body})`);
    }),
  );

const zip: Render = (args, kit) =>
  nested(args, kit.bind, (lists) => {
    const i = kit.fresh();
    const fields = lists.map((list, n) => `'f${n}': ${list}[${i}]`);
    return whenPresent(
      lists,
      `list_transform(range(1, greatest(${lists.map((l) => `len(${l})`).join(', ')}) + 1), lambda ${i}: {${fields.join(', ')}})`,
    );
  });

function nested(
  args: readonly string[],
  bind: Parameters<Render>[1]['bind'],
  body: (names: readonly string[]) => string,
): string {
  const step = (index: number, names: readonly string[]): string =>
    index === args.length ? body(names) : bind(args[index]!, (name) => step(index + 1, [...names, name]));
  return step(0, []);
}

const slice: Render = ([list = '', from = '', count = ''], { bind }) =>
  bind(list, (l) =>
    bind(from, (f) =>
      bind(count, (n) =>
        refuseWhere(
          `${f} = 0`,
          `'SQL array indices start at 1'`,
          refuseWhere(
            `${n} < 0`,
            `'length must be greater than or equal to 0'`,
            whenPresent(
              [l, f, n],
              `CASE WHEN ${f} > 0 THEN list_slice(${l}, ${f}, least(${f} + ${n} - 1, len(${l}))) WHEN -${f} > len(${l}) THEN ${l}[1:0] ELSE list_slice(${l}, len(${l}) + ${f} + 1, least(len(${l}) + ${f} + ${n}, len(${l}))) END`,
            ),
          ),
        ),
      ),
    ),
  );

const join =
  (replaceNulls: boolean): Render =>
  ([list = '', delimiter = '', instead = ''], kit) => {
    const element = elementOf(kit.types[0]);
    const text = lambdaOver(element, kit, (argument) => ({ kind: 'Cast', type: VARCHAR, argument, safe: false }));
    const x = kit.fresh();
    const lambda = replaceNulls ? `lambda ${x}: coalesce(${applied(text, [x])}, ${instead})` : text;
    const texts = `list_transform(${list}, ${lambda})`;
    return `CASE WHEN ${list} IS NOT NULL THEN coalesce(array_to_string(list_filter(${texts}, lambda z: z IS NOT NULL), ${delimiter}), CASE WHEN ${delimiter} IS NOT NULL THEN '' END) END`;
  };

/** By a comparator. An element's place is how many go before it; each pair is compared once, the earlier first. */
const sortBy: Render = ([list = '', comparator = ''], { bind, fresh }) =>
  bind(list, (l) => {
    const [i, j] = [fresh(), fresh()];
    const order = (a: string, b: string): string => applied(comparator, [`${l}[${a}]`, `${l}[${b}]`]);
    const bad = raise('INVALID_FUNCTION_ARGUMENT', 'Lambda comparator must return either -1, 0, or 1');
    const checked = (a: string, b: string): string =>
      `CASE WHEN ${order(a, b)} IN (-1, 0, 1) THEN ${order(a, b)} ELSE ${bad} END`;
    const before = `CASE WHEN ${j} < ${i} THEN ${checked(j, i)} <= 0 WHEN ${j} > ${i} THEN ${checked(i, j)} > 0 ELSE false END`;
    const rank = `len(list_filter(range(1, len(${l}) + 1), lambda ${j}: ${before}))`;
    const ranked = `list_sort(list_transform(range(1, len(${l}) + 1), lambda ${i}: {'r': ${rank}, 'v': ${l}[${i}]}))`;
    return whenPresent([l], `list_transform(${ranked}, lambda z: z.v)`);
  });

const remove: Render = ([list = '', item = ''], kit) => {
  const element = elementOf(kit.types[0]);
  return kit.bind(list, (l) =>
    kit.bind(item, (x) => {
      const e = kit.fresh();
      const equal = equalityOf(element, kit)(e, x);
      const kept = isPlain(element)
        ? `${e} IS NULL OR NOT ${equal}`
        : `CASE WHEN ${e} IS NULL THEN true ELSE CASE ${equal} WHEN true THEN false WHEN false THEN true ELSE ${indeterminate('array_remove')} END END`;
      return whenPresent([l, x], `list_filter(${l}, lambda ${e}: ${kept})`);
    }),
  );
};

const containsSequence = (a: string, b: string, element: SqlType): string =>
  `CASE WHEN len(${b}) = 0 THEN true ELSE list_bool_or(list_transform(range(1, len(${a}) - len(${b}) + 2), lambda i: ${keysOf(a, element)}[i:i + len(${b}) - 1] = ${keysOf(b, element)})) IS TRUE END`;

export const ARRAYS: readonly FunctionDefinition[] = [
  define('cardinality(array(T)): bigint', ([a]) => `len(${a})`),
  define('element_at(array(T), bigint): T', elementAt),
  define('array_first(array(T)): T', ([a]) => `${a}[1]`),
  define('array_last(array(T)): T', ([a]) => `${a}[-1]`),
  define('array_first(array(T), function(T,boolean)): T', ([a, f]) => `list_filter(${a}, ${f})[1]`),
  define('array_last(array(T), function(T,boolean)): T', ([a, f]) => `list_filter(${a}, ${f})[-1]`),
  define('contains(array(T:comparable), T): boolean', contains),
  define('array_position(array(T:comparable), T): bigint', position),
  define('array_remove(array(T:comparable), T): array(T)', remove),
  define('array_distinct(array(T:comparable)): array(T)', ([a = ''], { types, bind }) =>
    bind(a, (l) => distinct(l, elementOf(types[0]))),
  ),
  define('array_union(array(T:comparable), array(T)): array(T)', binary(union)),
  define('array_intersect(array(T:comparable), array(T)): array(T)', binary(intersect)),
  define('array_except(array(T:comparable), array(T)): array(T)', binary(except)),
  define('arrays_overlap(array(T:comparable), array(T)): boolean', binary(overlap)),
  define('contains_sequence(array(T:comparable), array(T)): boolean', binary(containsSequence)),
  define('array_min(array(T:orderable)): T', extreme('min')),
  define('array_max(array(T:orderable)): T', extreme('max')),
  define('array_sort(array(T:orderable)): array(T)', ([a = ''], { types }) =>
    sortKey(elementOf(types[0]), a, (l) => `list_sort(${l}, 'ASC', 'NULLS LAST')`),
  ),
  define('array_sort(array(T), function(T,T,integer)): array(T)', sortBy),
  define('array_join(array(T), varchar): varchar', join(false)),
  define('array_join(array(T), varchar, varchar): varchar', join(true)),
  define('concat(array(T), array(T)...): array(T)', (args) =>
    whenPresent(
      args,
      args.reduce((a, b) => `list_concat(${a}, ${b})`),
    ),
  ),
  define('flatten(array(array(T))): array(T)', ([a]) => `flatten(list_filter(${a}, lambda x: x IS NOT NULL))`),
  define('reverse(array(T)): array(T)', ([a]) => `list_reverse(${a})`),
  define('slice(array(T), bigint, bigint): array(T)', slice),
  define('trim_array(array(T), bigint): array(T)', ([a = '', n = ''], { bind }) =>
    bind(a, (l) =>
      bind(n, (k) =>
        refuseWhere(
          `${k} < 0`,
          `'size must not be negative: ' || ${k}`,
          refuseWhere(
            `${k} > len(${l})`,
            `'size must not exceed array cardinality ' || len(${l}) || ': ' || ${k}`,
            `${l}[1:len(${l}) - ${k}]`,
          ),
        ),
      ),
    ),
  ),
  define(
    'shuffle(array(T)): array(T)',
    ([a = '']) => {
      const drawn = "lambda x: {'r': random(), 'v': x}";
      return `list_transform(list_sort(list_transform(${listFor(drawn, a)}, ${drawn})), lambda z: z.v)`;
    },
    { deterministic: false },
  ),
  define('transform(array(T), function(T,U)): array(U)', ([a, f]) => `list_transform(${a}, ${f})`),
  define('filter(array(T), function(T,boolean)): array(T)', ([a, f]) => `list_filter(${a}, ${f})`),
  define('reduce(array(T), S, function(S,T,S), function(S,R)): R', reduce, { nullOnNull: false }),
  define('any_match(array(T), function(T,boolean)): boolean', match('any')),
  define('all_match(array(T), function(T,boolean)): boolean', match('all')),
  define('none_match(array(T), function(T,boolean)): boolean', match('none')),
  define('zip_with(array(T), array(U), function(T,U,R)): array(R)', zipWith),
  ...[2, 3, 4, 5].map((n) =>
    define(`zip(${Array.from({ length: n }, (_, i) => `array(${'TUVWX'[i]})`).join(', ')}): array(T)`, zip, {
      returns: (types) => array({ kind: 'row', fields: types.map((t) => ({ type: elementOf(t) })) }),
    }),
  ),
  define('array_histogram(array(T:comparable)): map(T,bigint)', ([a = ''], { types, type }) =>
    histogramOf(`list_filter(${a}, lambda z: z IS NOT NULL)`, elementOf(types[0]), type),
  ),
];
