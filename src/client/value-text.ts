/** The text of single values: for people (`{name=Ada, born=1815}`), and as JSON with the field names of rows. */
import type { SignatureArgument, TypeSignature } from '../types/wire.ts';
import { columnKind } from './column-kind.ts';
import { type JsonTree, parseJsonTree } from './json-tree.ts';

/** The text of a value given as its JSON from the protocol, or null for NULL. Inside nested values NULL is a word. */
export function valueText(json: string, type: TypeSignature): string | null {
  if (json === 'null') return null;
  switch (columnKind(type)) {
    case 'plain':
      return json;
    case 'float':
      return floatText(json);
    case 'text':
      return json.startsWith('"') ? (JSON.parse(json) as string) : json;
    case 'binary':
      return Buffer.from(JSON.parse(json) as string, 'base64').toString('hex');
    case 'nested':
      return nestedText(parseJsonTree(json), type);
  }
}

/** A nested value as JSON: rows become objects with their field names, map keys stay strings, digits stay as sent. */
export function nestedJson(json: string, type: TypeSignature): string {
  return treeJson(parseJsonTree(json), type);
}

/**
 * A floating number as Java prints it, which is what every Trino client shows: `0.1`, `1.0E10`, `NaN`. Only the digits
 * sent are moved around, so no digit is lost or invented.
 */
export function floatText(json: string): string {
  if (json.startsWith('"')) return json.slice(1, -1);
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(json);
  if (!match) return json;
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  const all = whole + fraction;
  const digits = all.replace(/^0+/, '').replace(/0+$/, '');
  if (digits === '') return `${sign}0.0`;
  // The value is 0.digits × 10^point.
  const point = whole.length + Number(exponentText) - (all.length - all.replace(/^0+/, '').length);
  if (point < FLOAT_PLAIN_POINT_MIN || point > FLOAT_PLAIN_POINT_MAX) {
    return `${sign}${digits[0]}.${digits.slice(1) || '0'}E${point - 1}`;
  }
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.slice(0, point).padEnd(point, '0')}.${digits.slice(point) || '0'}`;
}

/** Java writes 0.001 ≤ |x| < 10,000,000 without an exponent. */
const FLOAT_PLAIN_POINT_MIN = -2;
const FLOAT_PLAIN_POINT_MAX = 7;

function nestedText(tree: JsonTree, type: TypeSignature | undefined): string {
  if (tree.kind === 'literal') return tree.text === 'null' ? 'NULL' : (valueText(tree.text, type ?? UNTYPED) ?? 'NULL');
  if (tree.kind === 'object') {
    const [, value] = type?.arguments ?? [];
    return `{${tree.members.map(([key, item]) => `${key}=${nestedText(item, typeOf(value))}`).join(', ')}}`;
  }
  if (type?.rawType === 'row') {
    const fields = tree.items.map((item, index) => {
      const argument = type.arguments[index];
      const name = fieldName(argument);
      return `${name === undefined ? '' : `${name}=`}${nestedText(item, typeOf(argument))}`;
    });
    return `{${fields.join(', ')}}`;
  }
  return `[${tree.items.map((item) => nestedText(item, typeOf(type?.arguments[0]))).join(', ')}]`;
}

function treeJson(tree: JsonTree, type: TypeSignature | undefined): string {
  if (tree.kind === 'literal') return tree.text;
  if (tree.kind === 'object') {
    const value = typeOf(type?.arguments[1]);
    return `{${tree.members.map(([key, item]) => `${JSON.stringify(key)}:${treeJson(item, value)}`).join(',')}}`;
  }
  if (type?.rawType === 'row') {
    const names = uniqueNames(type.arguments.map((argument, index) => fieldName(argument) ?? `field${index}`));
    const fields = tree.items.map(
      (item, index) =>
        `${JSON.stringify(names[index] ?? `field${index}`)}:${treeJson(item, typeOf(type.arguments[index]))}`,
    );
    return `{${fields.join(',')}}`;
  }
  return `[${tree.items.map((item) => treeJson(item, typeOf(type?.arguments[0]))).join(',')}]`;
}

/** Names with `_2`, `_3` … behind those that came before, so that no value hides another in a JSON object. */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let count = 2; taken.has(unique); count++) unique = `${name}_${count}`;
    taken.add(unique);
    return unique;
  });
}

const UNTYPED: TypeSignature = { rawType: 'varchar', arguments: [] };

function typeOf(argument: SignatureArgument | undefined): TypeSignature | undefined {
  if (argument?.kind === 'TYPE') return argument.value;
  return argument?.kind === 'NAMED_TYPE' ? argument.value.typeSignature : undefined;
}

const fieldName = (argument: SignatureArgument | undefined): string | undefined =>
  argument?.kind === 'NAMED_TYPE' ? argument.value.fieldName?.name : undefined;
