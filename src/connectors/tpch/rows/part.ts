/** Rows of `part` and `partsupp`, which share the rules for prices and suppliers that `lineitem` follows too. */
import { BigintColumn, IntegerColumn, MoneyColumn, TextColumn, wordsOf } from '../columns.ts';
import { DISTRIBUTIONS } from '../distributions.ts';
import { RandomStream } from '../random-stream.ts';
import { SUPPLIERS_PER_PART } from '../scale.ts';
import type { Scale } from '../scale.ts';
import { RandomInteger, RandomText, RandomWord } from './random-values.ts';
import type { RowSource, RowWriter } from './row-writer.ts';

const NAME_WORDS = 5;
const COLORS = wordsOf(DISTRIBUTIONS.partColors.values);
const COLOR_COUNT = DISTRIBUTIONS.partColors.values.length;
const MANUFACTURER = wordsOf(['Manufacturer#']);
const BRAND = wordsOf(['Brand#']);
const BLANK = ' '.charCodeAt(0);

export class PartWriter implements RowWriter {
  private readonly partkey = new BigintColumn();
  private readonly name = new TextColumn(55);
  private readonly mfgr = new TextColumn(25);
  private readonly brand = new TextColumn(10);
  private readonly type = new TextColumn(25);
  private readonly size = new IntegerColumn('integer');
  private readonly container = new TextColumn(10);
  private readonly retailprice = new MoneyColumn();
  private readonly comment = new TextColumn(23);
  readonly columns = [
    this.partkey,
    this.name,
    this.mfgr,
    this.brand,
    this.type,
    this.size,
    this.container,
    this.retailprice,
    this.comment,
  ];

  private readonly colorPicks: RandomStream;
  private readonly manufacturers: RandomInteger;
  private readonly brands: RandomInteger;
  private readonly types: RandomWord;
  private readonly sizes: RandomInteger;
  private readonly containers: RandomWord;
  private readonly comments: RandomText;
  private readonly colors = Uint8Array.from({ length: COLOR_COUNT }, (_, index) => index);
  private readonly swaps = new Uint8Array(NAME_WORDS);
  private key: number;

  constructor({ first, text }: RowSource) {
    this.key = first;
    this.colorPicks = new RandomStream(709314158, COLOR_COUNT, first);
    this.manufacturers = new RandomInteger(1, 1, 5, first);
    this.brands = new RandomInteger(46831694, 1, 5, first);
    this.types = new RandomWord(1841581359, DISTRIBUTIONS.partTypes, first);
    this.sizes = new RandomInteger(1193163244, 1, 50, first);
    this.containers = new RandomWord(727633698, DISTRIBUTIONS.partContainers, first);
    this.comments = new RandomText(804159733, text, 14, first);
  }

  write(row: number): void {
    this.key += 1;
    this.partkey.set(row, this.key);
    this.writeName(row);
    const manufacturer = this.manufacturers.next();
    this.mfgr.addWord(MANUFACTURER, 0);
    this.mfgr.addDigits(manufacturer, 1);
    this.mfgr.end(row);
    this.brand.addWord(BRAND, 0);
    this.brand.addDigits(manufacturer * 10 + this.brands.next(), 2);
    this.brand.end(row);
    this.types.addTo(this.type);
    this.type.end(row);
    this.size.set(row, this.sizes.next());
    this.containers.addTo(this.container);
    this.container.end(row);
    this.retailprice.set(row, partPrice(this.key));
    this.comments.addTo(this.comment);
    this.comment.end(row);

    this.colorPicks.endRow();
    this.manufacturers.endRow();
    this.brands.endRow();
    this.types.endRow();
    this.sizes.endRow();
    this.containers.endRow();
    this.comments.endRow();
  }

  /** The beginning of a shuffle of all colours; its swaps are undone afterwards instead of copying the list for each row. */
  private writeName(row: number): void {
    const { colors, swaps } = this;
    for (let i = 0; i < NAME_WORDS; i++) {
      const other = this.colorPicks.next(i, COLOR_COUNT - 1);
      swaps[i] = other;
      [colors[i], colors[other]] = [colors[other]!, colors[i]!];
      if (i > 0) this.name.addByte(BLANK);
      this.name.addWord(COLORS, colors[i]!);
    }
    this.name.end(row);
    for (let i = NAME_WORDS - 1; i >= 0; i--) {
      const other = swaps[i]!;
      [colors[i], colors[other]] = [colors[other]!, colors[i]!];
    }
  }
}

export class PartSupplierWriter implements RowWriter {
  private readonly partkey = new BigintColumn();
  private readonly suppkey = new BigintColumn();
  private readonly availqty = new IntegerColumn('integer');
  private readonly supplycost = new MoneyColumn();
  private readonly comment = new TextColumn(199);
  readonly columns = [this.partkey, this.suppkey, this.availqty, this.supplycost, this.comment];

  private readonly scale: Scale;
  private readonly quantities: RandomInteger;
  private readonly costs: RandomInteger;
  private readonly comments: RandomText;
  private key: number;
  private supplier = 0;

  constructor({ scale, first, text }: RowSource) {
    this.scale = scale;
    this.key = first + 1;
    this.quantities = new RandomInteger(1671059989, 1, 9999, first, SUPPLIERS_PER_PART);
    this.costs = new RandomInteger(1051288424, 100, 100_000, first, SUPPLIERS_PER_PART);
    this.comments = new RandomText(1961692154, text, 124, first, SUPPLIERS_PER_PART);
  }

  write(row: number): void {
    this.partkey.set(row, this.key);
    this.suppkey.set(row, partSupplier(this.key, this.supplier, this.scale));
    this.availqty.set(row, this.quantities.next());
    this.supplycost.set(row, this.costs.next());
    this.comments.addTo(this.comment);
    this.comment.end(row);

    this.supplier += 1;
    if (this.supplier === SUPPLIERS_PER_PART) {
      this.supplier = 0;
      this.key += 1;
      this.quantities.endRow();
      this.costs.endRow();
      this.comments.endRow();
    }
  }
}

/** A part's price in cents. */
export const partPrice = (partKey: number): number =>
  90_000 + (Math.floor(partKey / 10) % 20_001) + (partKey % 1000) * 100;

/** The key of a part's n-th supplier, n from 0 to 3. */
export function partSupplier(partKey: number, n: number, { suppliers }: Scale): number {
  const step = Math.floor(suppliers / SUPPLIERS_PER_PART) + Math.floor((partKey - 1) / suppliers);
  return ((partKey + n * step) % suppliers) + 1;
}
