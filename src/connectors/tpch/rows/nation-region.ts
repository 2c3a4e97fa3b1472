/** Rows of the two fixed tables, `nation` and `region`. */
import { BigintColumn, TextColumn, wordsOf } from '../columns.ts';
import { NATIONS, REGIONS } from '../distributions.ts';
import { RandomText } from './random-values.ts';
import type { RowSource, RowWriter } from './row-writer.ts';

export class NationWriter implements RowWriter {
  private readonly nationkey = new BigintColumn();
  private readonly name = new TextColumn(25);
  private readonly regionkey = new BigintColumn();
  private readonly comment = new TextColumn(152);
  readonly columns = [this.nationkey, this.name, this.regionkey, this.comment];

  private readonly names = wordsOf(NATIONS.map(([name]) => name));
  private readonly comments: RandomText;
  private key: number;

  constructor({ first, text }: RowSource) {
    this.key = first;
    this.comments = new RandomText(606179079, text, 72, first);
  }

  write(row: number): void {
    this.nationkey.set(row, this.key);
    this.name.addWord(this.names, this.key);
    this.name.end(row);
    this.regionkey.set(row, NATIONS[this.key]![1]);
    this.comments.addTo(this.comment);
    this.comment.end(row);
    this.comments.endRow();
    this.key += 1;
  }
}

export class RegionWriter implements RowWriter {
  private readonly regionkey = new BigintColumn();
  private readonly name = new TextColumn(25);
  private readonly comment = new TextColumn(152);
  readonly columns = [this.regionkey, this.name, this.comment];

  private readonly names = wordsOf(REGIONS);
  private readonly comments: RandomText;
  private key: number;

  constructor({ first, text }: RowSource) {
    this.key = first;
    this.comments = new RandomText(1500869201, text, 72, first);
  }

  write(row: number): void {
    this.regionkey.set(row, this.key);
    this.name.addWord(this.names, this.key);
    this.name.end(row);
    this.comments.addTo(this.comment);
    this.comment.end(row);
    this.comments.endRow();
    this.key += 1;
  }
}
