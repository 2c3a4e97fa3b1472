/** Rows of `supplier`. */
import { BigintColumn, MoneyColumn, TextColumn, wordsOf } from '../columns.ts';
import { NATIONS } from '../distributions.ts';
import { RandomStream } from '../random-stream.ts';
import { RandomAddress, RandomInteger, RandomPhone, RandomText } from './random-values.ts';
import type { RowSource, RowWriter } from './row-writer.ts';

const NAME = wordsOf(['Supplier#']);

/** Of 10,000 suppliers about 10 have a remark of the Better Business Bureau in their comment, half of them a complaint. */
const REMARK_SUBJECT = 'Customer ';
const REMARK_COMPLAINT = 'Complaints';
const REMARK_PRAISE = 'Recommends';
const REMARK_BYTES = REMARK_SUBJECT.length + REMARK_COMPLAINT.length;

export class SupplierWriter implements RowWriter {
  private readonly suppkey = new BigintColumn();
  private readonly name = new TextColumn(25);
  private readonly address = new TextColumn(40);
  private readonly nationkey = new BigintColumn();
  private readonly phone = new TextColumn(15);
  private readonly acctbal = new MoneyColumn();
  private readonly comment = new TextColumn(101);
  readonly columns = [this.suppkey, this.name, this.address, this.nationkey, this.phone, this.acctbal, this.comment];

  private readonly addresses: RandomAddress;
  private readonly nations: RandomInteger;
  private readonly phones: RandomPhone;
  private readonly balances: RandomInteger;
  private readonly comments: RandomText;
  private readonly remarks: RandomInteger;
  private readonly remarkGaps: RandomStream;
  private readonly remarkOffsets: RandomStream;
  private readonly remarkKinds: RandomInteger;
  private key: number;

  constructor({ first, text }: RowSource) {
    this.key = first;
    this.addresses = new RandomAddress(706178559, first);
    this.nations = new RandomInteger(110356601, 0, NATIONS.length - 1, first);
    this.phones = new RandomPhone(884434366, first);
    this.balances = new RandomInteger(962338209, -99_999, 999_999, first);
    this.comments = new RandomText(1341315363, text, 63, first);
    this.remarks = new RandomInteger(202794285, 1, 10_000, first);
    this.remarkGaps = new RandomStream(263032577, 1, first);
    this.remarkOffsets = new RandomStream(715851524, 1, first);
    this.remarkKinds = new RandomInteger(753643799, 0, 100, first);
  }

  write(row: number): void {
    this.key += 1;
    this.suppkey.set(row, this.key);
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
    const commentBytes = this.comments.addTo(this.comment);
    if (this.remarks.next() <= 10) this.remark(row, commentBytes);
    this.comment.end(row);

    this.addresses.endRow();
    this.nations.endRow();
    this.phones.endRow();
    this.balances.endRow();
    this.comments.endRow();
    this.remarks.endRow();
    this.remarkGaps.endRow();
    this.remarkOffsets.endRow();
    this.remarkKinds.endRow();
  }

  /** Its subject and its verb stand some way apart. */
  private remark(row: number, commentBytes: number): void {
    const gap = this.remarkGaps.next(0, commentBytes - REMARK_BYTES);
    const offset = this.remarkOffsets.next(0, commentBytes - (REMARK_BYTES + gap));
    const verb = this.remarkKinds.next() < 50 ? REMARK_COMPLAINT : REMARK_PRAISE;
    this.comment.replace(row, offset, REMARK_SUBJECT);
    this.comment.replace(row, offset + REMARK_SUBJECT.length + gap, verb);
  }
}
