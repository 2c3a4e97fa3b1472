/**
 * IP addresses: sixteen bytes in the order of the network, those of IPv4 as `::ffff:a.b.c.d`, so that equal addresses are
 * equal and all are ordered however they were written. Texts are read as Trino does and written as RFC 5952 asks.
 */

/** An octet has no leading zeros: readers disagree whether it then is octal. */
const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const IPV4 = `${OCTET}(\\.${OCTET}){3}`;
const GROUPS = '([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?';

/** Hex digits of the bytes before those of an IPv4 address. */
const MAPPED = '00000000000000000000ffff';

/** Groups of sixteen bits in an address. */
const GROUP_COUNT = 8;

/** The address as 32 lower-case hex digits; undefined when the text is none. */
export function parseIpAddress(text: string): string | undefined {
  if (new RegExp(`^${IPV4}$`).test(text)) return MAPPED + octetsHex(text);
  const groups = text
    .toLowerCase()
    .replace(
      new RegExp(`(?<=:)${IPV4}$`),
      (octets) => `${octetsHex(octets).slice(0, 4)}:${octetsHex(octets).slice(4)}`,
    );
  const halves = groups.split('::');
  if (halves.length > 2 || !halves.every((half) => new RegExp(`^${GROUPS}$`).test(half))) return undefined;
  const [head, tail = ''] = halves.map(groupsHex);
  const missing = 4 * GROUP_COUNT - head!.length - tail.length;
  // What `::` stands for is not nothing.
  return (halves.length === 2 ? missing > 0 : missing === 0) ? head + '0'.repeat(missing) + tail : undefined;
}

const octetsHex = (text: string): string =>
  text
    .split('.')
    .map((octet) => Number(octet).toString(16).padStart(2, '0'))
    .join('');

const groupsHex = (text: string): string =>
  text === ''
    ? ''
    : text
        .split(':')
        .map((group) => group.padStart(4, '0'))
        .join('');

/** The bytes of an address written as `text`, a short kernel expression; NULL when it is none. */
export function ipAddressOfText(text: string): string {
  const last = `regexp_extract(t, ':(${IPV4})$', 1)`;
  const lastHex = `list_transform([${octetsSql(last)}], lambda h: left(h, 4) || ':' || right(h, 4))[1]`;
  const plain = `CASE WHEN ${last} = '' THEN t ELSE left(t, len(t) - len(${last})) || ${lastHex} END`;
  const sizes = `len(p) = 1 AND len(h[1]) = 32 OR len(p) = 2 AND len(h[1]) + len(h[2]) < 32`;
  const joined = `h[1] || repeat('0', 32 - len(h[1]) - len(coalesce(h[2], ''))) || coalesce(h[2], '')`;
  const shaped = `list_bool_and(list_transform(p, lambda s: regexp_full_match(s, '${GROUPS}')))`;
  const hex = `list_transform([list_transform(p, lambda s: ${groupsSql('s')})], lambda h: CASE WHEN ${sizes} THEN ${joined} END)[1]`;
  const v6 = `list_transform([string_split(${plain}, '::')], lambda p: CASE WHEN ${shaped} THEN ${hex} END)[1]`;
  const v4 = `CASE WHEN regexp_full_match(t, '${IPV4}') THEN '${MAPPED}' || ${octetsSql('t')} ELSE ${v6} END`;
  return `unhex(list_transform([lower(${text})], lambda t: ${v4})[1])`;
}

const octetsSql = (sql: string): string =>
  `array_to_string(list_transform(string_split(${sql}, '.'), lambda o: printf('%02x', CAST(o AS INTEGER))), '')`;

const groupsSql = (sql: string): string =>
  `CASE WHEN ${sql} = '' THEN '' ELSE array_to_string(list_transform(string_split(${sql}, ':'), lambda g: lpad(g, 4, '0')), '') END`;

/** The text of an address: `1.2.3.4`, or groups with the first of the longest runs of zeros as `::`. NULL for NULL. */
export function ipAddressText(sql: string): string {
  const octets = `array_to_string(list_transform([25, 27, 29, 31], lambda i: CAST(CAST('0x' || substr(h, i, 2) AS INTEGER) AS VARCHAR)), '.')`;
  const groups = `list_transform(range(1, 32, 4), lambda i: coalesce(nullif(ltrim(substr(h, i, 4), '0'), ''), '0'))`;
  // One character for each group: z for those that are zero.
  const zeros = `array_to_string(list_transform(g, lambda x: CASE WHEN x = '0' THEN 'z' ELSE '-' END), '')`;
  const longest = `list_filter(range(${GROUP_COUNT}, 1, -1), lambda n: contains(z, repeat('z', n)))[1]`;
  const at = `instr(z, repeat('z', n))`;
  const cut = `CASE WHEN n IS NULL THEN array_to_string(g, ':') ELSE array_to_string(g[1:${at} - 1], ':') || '::' || array_to_string(g[${at} + n:], ':') END`;
  const shortened = `list_transform([${longest}], lambda n: ${cut})[1]`;
  const v6 = `list_transform([${groups}], lambda g: list_transform([${zeros}], lambda z: ${shortened})[1])[1]`;
  return `list_transform([lower(hex(${sql}))], lambda h: CASE WHEN h ^@ '${MAPPED}' THEN ${octets} WHEN h IS NOT NULL THEN ${v6} END)[1]`;
}
