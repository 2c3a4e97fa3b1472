/**
 * The words from which TPC-H's rows are made, with their weights and in the order that dbgen's arithmetic relies on.
 * Taken from `dists.dss` of Maven's io.trino.tpch:tpch 1.2 (Apache License 2.0, see NOTICE); misspellings are the original's.
 */
export type Distribution = {
  readonly values: readonly string[];
  /** Index into `values` for every unit of weight: a uniform number below its length draws a value. */
  readonly draws: Uint8Array;
};

export const DISTRIBUTIONS = {
  grammars: weighted('N V T:3|N V P T:3|N V N T:3|N P V N T|N P V P T'),
  nounPhrases: weighted('N:10|J N:20|J, J N:10|D J N:50'),
  verbPhrases: weighted('V:30|X V|V D:40|X V D'),
  prepositions: weighted(
    'about:50|above:50|according to:50|across:50|after:50|against:40|along:40|alongside of:30|among:30|' +
      'around:20|at:10|atop|before|behind|beneath|beside|besides|between|beyond|by|despite|during|except|for|from|' +
      'in place of|inside|instead of|into|near|of|on|outside|over|past|since|through|throughout|to|toward|under|' +
      'until|up|upon|whithout|with|within',
  ),
  nouns: weighted(
    'packages:40|requests:40|accounts:40|deposits:40|foxes:20|ideas:20|theodolites:20|pinto beans:20|' +
      'instructions:20|dependencies:10|excuses:10|platelets:10|asymptotes:10|courts:5|dolphins:5|multipliers|' +
      'sauternes|warthogs|frets|dinos|attainments|somas|Tiresias|patterns|forges|braids|frays|warhorses|dugouts|' +
      'notornis|epitaphs|pearls|tithes|waters|orbits|gifts|sheaves|depths|sentiments|decoys|realms|pains|grouches|' +
      'escapades|hockey players',
  ),
  verbs: weighted(
    'sleep:20|wake:20|are:20|cajole:20|haggle:20|nag:10|use:10|boost:10|affix:5|detect:5|integrate:5|maintain|' +
      'nod|was|lose|sublate|solve|thrash|promise|engage|hinder|print|x-ray|breach|eat|grow|impress|mold|poach|' +
      'serve|run|dazzle|snooze|doze|unwind|kindle|play|hang|believe|doubt',
  ),
  adjectives: weighted(
    'special:20|pending:20|unusual:20|express:20|furious|sly|careful|blithe|quick|fluffy|slow|quiet|ruthless|' +
      'thin|close|dogged|daring|brave|stealthy|permanent|enticing|idle|busy|regular:50|final:40|ironic:40|even:30|' +
      'bold:20|silent:10',
  ),
  adverbs: weighted(
    'sometimes|always|never|furiously:50|slyly:50|carefully:50|blithely:40|quickly:30|fluffily:20|slowly|' +
      'quietly|ruthlessly|thinly|closely|doggedly|daringly|bravely|stealthily|permanently|enticingly|idly|busily|' +
      'regularly|finally|ironically|evenly|boldly|silently',
  ),
  auxiliaries: weighted(
    'do|may|might|shall|will|would|can|could|should|ought to|must|will have to|shall have to|could have to|' +
      'should have to|must have to|need to|try to',
  ),
  terminators: weighted('.:50|;|:|?|!|--'),
  orderPriorities: weighted('1-URGENT|2-HIGH|3-MEDIUM|4-NOT SPECIFIED|5-LOW'),
  shipInstructions: weighted('DELIVER IN PERSON|COLLECT COD|TAKE BACK RETURN|NONE'),
  shipModes: weighted('REG AIR|AIR|RAIL|TRUCK|MAIL|FOB|SHIP'),
  returnFlags: weighted('R|A'),
  partContainers: uniform(combine('SM|LG|MED|JUMBO|WRAP', 'CASE|BOX|BAG|JAR|PACK|PKG|CAN|DRUM')),
  partTypes: uniform(
    combine(
      'STANDARD|SMALL|MEDIUM|LARGE|ECONOMY|PROMO',
      'ANODIZED|BURNISHED|PLATED|POLISHED|BRUSHED',
      'TIN|NICKEL|BRASS|STEEL|COPPER',
    ),
  ),
  partColors: weighted(
    'almond|antique|aquamarine|azure|beige|bisque|black|blanched|blue|blush|brown|burlywood|burnished|' +
      'chartreuse|chiffon|chocolate|coral|cornflower|cornsilk|cream|cyan|dark|deep|dim|dodger|drab|firebrick|' +
      'floral|forest|frosted|gainsboro|ghost|goldenrod|green|grey|honeydew|hot|indian|ivory|khaki|lace|lavender|' +
      'lawn|lemon|light|lime|linen|magenta|maroon|medium|metallic|midnight|mint|misty|moccasin|navajo|navy|olive|' +
      'orange|orchid|pale|papaya|peach|peru|pink|plum|powder|puff|purple|red|rose|rosy|royal|saddle|salmon|sandy|' +
      'seashell|sienna|sky|slate|smoke|snow|spring|steel|tan|thistle|tomato|turquoise|violet|wheat|white|yellow',
  ),
  marketSegments: weighted('AUTOMOBILE|BUILDING|FURNITURE|HOUSEHOLD|MACHINERY'),
} as const satisfies Record<string, Distribution>;

export const REGIONS: readonly string[] = ['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'];

/** Every nation with the key of its region. */
export const NATIONS: readonly (readonly [name: string, regionKey: number])[] = [
  ['ALGERIA', 0],
  ['ARGENTINA', 1],
  ['BRAZIL', 1],
  ['CANADA', 1],
  ['EGYPT', 4],
  ['ETHIOPIA', 0],
  ['FRANCE', 3],
  ['GERMANY', 3],
  ['INDIA', 2],
  ['INDONESIA', 2],
  ['IRAN', 4],
  ['IRAQ', 4],
  ['JAPAN', 2],
  ['JORDAN', 4],
  ['KENYA', 0],
  ['MOROCCO', 0],
  ['MOZAMBIQUE', 0],
  ['PERU', 1],
  ['CHINA', 2],
  ['ROMANIA', 3],
  ['SAUDI ARABIA', 4],
  ['VIETNAM', 2],
  ['RUSSIA', 3],
  ['UNITED KINGDOM', 3],
  ['UNITED STATES', 1],
];

/** `value:weight` entries between bars; a weight of 1 is left out. */
function weighted(text: string): Distribution {
  const entries = text.split('|').map((entry) => /^(.+?)(?::(\d+))?$/.exec(entry)!);
  return {
    values: entries.map((entry) => entry[1]!),
    draws: Uint8Array.from(
      entries.flatMap((entry, index) => Array.from({ length: Number(entry[2] ?? 1) }, () => index)),
    ),
  };
}

function uniform(values: readonly string[]): Distribution {
  return { values, draws: Uint8Array.from(values, (_, index) => index) };
}

/** Every choice of one word from each list, the last list varying fastest. */
function combine(...lists: readonly string[]): string[] {
  let phrases = [''];
  for (const list of lists) {
    phrases = phrases.flatMap((phrase) => list.split('|').map((word) => (phrase === '' ? word : `${phrase} ${word}`)));
  }
  return phrases;
}
