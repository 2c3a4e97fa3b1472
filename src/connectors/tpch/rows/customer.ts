/** Rows of `customer`. */
import { BigintColumn, MoneyColumn, TextColumn, wordsOf } from '../columns.ts';
import { DISTRIBUTIONS, NATIONS } from '../distributions.ts';
import { RandomAddress, RandomInteger, RandomPhone, RandomText, RandomWord } from './random-values.ts';
import type { RowSource, RowWriter } from './row-writer.ts';

const NAME = wordsOf(['Customer#']);

export class CustomerWriter implements RowWriter {
  private readonly custkey = new BigintColumn();
  private readonly name = new TextColumn(25);
  private readonly address = new TextColumn(40);
  private readonly nationkey = new BigintColumn();
  private readonly phone = new TextColumn(15);
  private readonly acctbal = new MoneyColumn();
  private readonly mktsegment = new TextColumn(10);
  private readonly comment = new TextColumn(117);
  readonly columns = [
    this.custkey,
    this.name,
    this.address,
    this.nationkey,
    this.phone,
    this.acctbal,
    this.mktsegment,
    this.comment,
  ];

  private readonly addresses: RandomAddress;
  private readonly nations: RandomInteger;
  private readonly phones: RandomPhone;
  private readonly balances: RandomInteger;
  private readonly segments: RandomWord;
  private readonly comments: RandomText;
  private key: number;

  constructor({ first, text }: RowSource) {
    this.key = first;
    this.addresses = new RandomAddress(881155353, first);
    this.nations = new RandomInteger(1489529863, 0, NATIONS.length - 1, first);
    this.phones = new RandomPhone(1521138112, first);
    this.balances = new RandomInteger(298370230, -99_999, 999_999, first);
    this.segments = new RandomWord(1140279430, DISTRIBUTIONS.marketSegments, first);
    this.comments = new RandomText(1335826707, text, 73, first);
  }

  write(row: number): void {
    this.key += 1;
    this.custkey.set(row, this.key);
    this.name.addWord(NAME, 0);
    this.name.addDigits(this.key, 9);
    this.name.end(row);
    this.addresses.addTo(this.address);
    this.address.end(row);
    const nation = this.nations.next();
    this.nationkey.set(row, nation);
    this.phones.addTo(this.phone, nation);
    this.phone.end(row);
    this.acctbal.set(row, this.balances.next());
    this.segments.addTo(this.mktsegment);
    this.mktsegment.end(row);
    this.comments.addTo(this.comment);
    this.comment.end(row);

    this.addresses.endRow();
    this.nations.endRow();
    this.phones.endRow();
    this.balances.endRow();
    this.segments.endRow();
    this.comments.endRow();
  }
}
