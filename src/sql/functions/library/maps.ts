/** Maps. */

import { hasKeyOfItsOwn, kernelType } from '../../../types/kernel.ts';
import type { SqlType } from '../../../types/type.ts';
import { define, type FunctionDefinition, type Render } from '../definition.ts';
import { refuseWhere, whenPresent } from './constants.ts';
import { elementOf, hasDuplicates, hasKey, holdsNull, keyTypeOf, mapOfFirsts, multimapOf, valueAt } from './keys.ts';
import { applied } from './lambdas.ts';

/** Keys are neither NULL nor hold one. */
function refuseKeys(keys: string, type: SqlType, body: string): string {
  const within = holdsNull({ kind: 'array', element: type }, keys);
  const whole = holdsNull(type, 'k') === undefined;
  return refuseWhere(
    `list_position(${keys}, NULL) IS NOT NULL`,
    `'map key cannot be null'`,
    whole ? body : refuseWhere(within!, `'map key cannot be indeterminate'`, body),
  );
}

const build: Render = ([keys = '', values = ''], { bind, types, type }) =>
  bind(keys, (k) =>
    bind(values, (v) =>
      refuseWhere(
        `len(${k}) <> len(${v})`,
        `'Key and value arrays must be the same length'`,
        refuseKeys(
          k,
          elementOf(types[0]),
          refuseWhere(
            hasDuplicates(k, elementOf(types[0])),
            `'Duplicate map keys are not allowed'`,
            whenPresent([k, v], `CAST(map(${k}, ${v}) AS ${kernelType(type)})`),
          ),
        ),
      ),
    ),
  );

/** A list of NULLs, whose type is unknown. */
const noEntries = (list: string, type: SqlType): string =>
  refuseWhere(
    `len(${list}) > 0`,
    `'map entry cannot be null'`,
    `CAST(CASE WHEN ${list} IS NOT NULL THEN MAP {} END AS ${kernelType(type)})`,
  );

const fromEntries: Render = ([list = ''], { bind, type, types }) =>
  elementOf(types[0]).kind !== 'row'
    ? noEntries(list, type)
    : bind(list, (l) => {
        const keys = `list_transform(${l}, lambda e: e.f0)`;
        return refuseWhere(
          `list_position(${l}, NULL) IS NOT NULL`,
          `'map entry cannot be null'`,
          refuseKeys(
            keys,
            keyTypeOf(type),
            refuseWhere(
              hasDuplicates(keys, keyTypeOf(type)),
              `'Duplicate map keys are not allowed'`,
              `CAST(map_from_entries(list_transform(${l}, lambda e: {'key': e.f0, 'value': e.f1})) AS ${kernelType(type)})`,
            ),
          ),
        );
      });

const multimapFromEntries: Render = ([list = ''], { bind, type, types }) =>
  elementOf(types[0]).kind !== 'row'
    ? noEntries(list, type)
    : bind(list, (l) => {
        const keys = `list_transform(${l}, lambda e: e.f0)`;
        return refuseWhere(
          `list_position(${l}, NULL) IS NOT NULL`,
          `'map entry cannot be null'`,
          refuseWhere(
            `list_position(${keys}, NULL) IS NOT NULL`,
            `'map key cannot be null'`,
            whenPresent([l], multimapOf(`list_transform(${l}, lambda e: {'key': e.f0, 'value': e.f1})`, type)),
          ),
        );
      });

/** Later maps win. */
const concat: Render = (args, { type }) =>
  whenPresent(
    args,
    hasKeyOfItsOwn(keyTypeOf(type))
      ? mapOfFirsts(
          `flatten([${args
            .toReversed()
            .map((m) => `map_entries(${m})`)
            .join(', ')}])`,
          type,
        )
      : `map_concat(${args.join(', ')})`,
  );

const overEntries =
  (
    body: (entries: string, lambda: (key: string, value: string) => string, entry: string, type: SqlType) => string,
  ): Render =>
  ([map = '', lambda = ''], { bind, fresh, type }) =>
    bind(map, (m) => {
      const e = fresh();
      return whenPresent(
        [m],
        `CAST(${body(`map_entries(${m})`, (k, v) => applied(lambda, [k, v]), e, type)} AS ${kernelType(type)})`,
      );
    });

const filter = overEntries(
  (entries, test, e) => `map_from_entries(list_filter(${entries}, lambda ${e}: ${test(`${e}.key`, `${e}.value`)}))`,
);
const transformValues = overEntries(
  (entries, f, e) =>
    `map_from_entries(list_transform(${entries}, lambda ${e}: {'key': ${e}.key, 'value': ${f(`${e}.key`, `${e}.value`)}}))`,
);
const transformKeys: Render = (args, kit) =>
  kit.bind(args[0]!, (m) => {
    const e = kit.fresh();
    const entries = `list_transform(map_entries(${m}), lambda ${e}: {'key': ${applied(args[1]!, [`${e}.key`, `${e}.value`])}, 'value': ${e}.value})`;
    return kit.bind(entries, (list) => {
      const keys = `list_transform(${list}, lambda x: x.key)`;
      return refuseWhere(
        `list_position(${keys}, NULL) IS NOT NULL`,
        `'map key cannot be null'`,
        refuseWhere(
          hasDuplicates(keys, keyTypeOf(kit.type)),
          `'Duplicate map keys are not allowed'`,
          whenPresent([m], `CAST(map_from_entries(${list}) AS ${kernelType(kit.type)})`),
        ),
      );
    });
  });

const zipWith: Render = ([a = '', b = '', lambda = ''], { bind, fresh, type, types }) =>
  bind(a, (x) =>
    bind(b, (y) => {
      const k = fresh();
      const keys = `list_concat(map_keys(${x}), list_filter(map_keys(${y}), lambda z: NOT ${hasKey(x, types[0], 'z')}))`;
      const value = applied(lambda, [k, valueAt(x, types[0], k), valueAt(y, types[1], k)]);
      return whenPresent(
        [x, y],
        `CAST(map_from_entries(list_transform(${keys}, lambda ${k}: {'key': ${k}, 'value': ${value}})) AS ${kernelType(type)})`,
      );
    }),
  );

const entriesType = (types: readonly SqlType[]): SqlType => {
  const [map] = types;
  const fields = map?.kind === 'map' ? [{ type: map.key }, { type: map.value }] : [];
  return { kind: 'array', element: { kind: 'row', fields } };
};

const mapOfEntries =
  (many: boolean) =>
  (types: readonly SqlType[]): SqlType => {
    const row = elementOf(types[0]);
    const [key, value] = row.kind === 'row' ? row.fields.map((f) => f.type) : [];
    const inner: SqlType = value ?? { kind: 'unknown' };
    return { kind: 'map', key: key ?? { kind: 'unknown' }, value: many ? { kind: 'array', element: inner } : inner };
  };

export const MAPS: readonly FunctionDefinition[] = [
  define('map(): map(unknown,unknown)', () => `CAST(MAP {} AS MAP(INTEGER, INTEGER))`),
  define('map(array(K:comparable), array(V)): map(K,V)', build),
  define('cardinality(map(K,V)): bigint', ([m]) => `CAST(cardinality(${m}) AS BIGINT)`),
  define('element_at(map(K:comparable,V), K): V', ([m = '', k = ''], { bind, types }) =>
    bind(m, (map) => bind(k, (key) => valueAt(map, types[0], key))),
  ),
  define('map_keys(map(K,V)): array(K)', ([m]) => `map_keys(${m})`),
  define('map_values(map(K,V)): array(V)', ([m]) => `map_values(${m})`),
  define(
    'map_entries(map(K,V)): array(K)',
    ([m]) => `list_transform(map_entries(${m}), lambda e: {'f0': e.key, 'f1': e.value})`,
    { returns: entriesType },
  ),
  define('map_from_entries(array(T)): map(T,T)', fromEntries, { returns: mapOfEntries(false) }),
  define('multimap_from_entries(array(T)): map(T,T)', multimapFromEntries, { returns: mapOfEntries(true) }),
  define('map_concat(map(K,V), map(K,V)...): map(K,V)', concat),
  define('map_filter(map(K,V), function(K,V,boolean)): map(K,V)', filter),
  define('transform_values(map(K,V), function(K,V,U)): map(K,U)', transformValues),
  define('transform_keys(map(K,V), function(K,V,U)): map(U,V)', transformKeys),
  define('map_zip_with(map(K,V), map(K,W), function(K,V,W,U)): map(K,U)', zipWith),
];
