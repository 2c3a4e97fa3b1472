/** Rows of `lineitem`, order by order. */
import { BigintColumn, IntegerColumn, MoneyColumn, TextColumn } from '../columns.ts';
import { DISTRIBUTIONS } from '../distributions.ts';
import { LINES_PER_ORDER_MAX } from '../scale.ts';
import type { Scale } from '../scale.ts';
import { LineDraws, lineCounts, orderDates, orderKey, RECEIPT_DAYS_MAX, TODAY } from './order-lines.ts';
import { partPrice, partSupplier } from './part.ts';
import { RandomInteger, RandomText, RandomWord } from './random-values.ts';
import type { RowSource, RowWriter } from './row-writer.ts';

const RETURN_NONE = 'N'.charCodeAt(0);
const STATUS_FINISHED = 'F'.charCodeAt(0);
const STATUS_OPEN = 'O'.charCodeAt(0);

export class LineitemWriter implements RowWriter {
  private readonly orderkey = new BigintColumn();
  private readonly partkey = new BigintColumn();
  private readonly suppkey = new BigintColumn();
  private readonly linenumber = new IntegerColumn('integer');
  private readonly quantity = new MoneyColumn();
  private readonly extendedprice = new MoneyColumn();
  private readonly discount = new MoneyColumn();
  private readonly tax = new MoneyColumn();
  private readonly returnflag = new TextColumn(1);
  private readonly linestatus = new TextColumn(1);
  private readonly shipdate = new IntegerColumn('date');
  private readonly commitdate = new IntegerColumn('date');
  private readonly receiptdate = new IntegerColumn('date');
  private readonly shipinstruct = new TextColumn(25);
  private readonly shipmode = new TextColumn(10);
  private readonly comment = new TextColumn(44);
  readonly columns = [
    this.orderkey,
    this.partkey,
    this.suppkey,
    this.linenumber,
    this.quantity,
    this.extendedprice,
    this.discount,
    this.tax,
    this.returnflag,
    this.linestatus,
    this.shipdate,
    this.commitdate,
    this.receiptdate,
    this.shipinstruct,
    this.shipmode,
    this.comment,
  ];

  private readonly scale: Scale;
  private readonly orderDates: RandomInteger;
  private readonly lineCounts: RandomInteger;
  private readonly draws: LineDraws;
  private readonly suppliers: RandomInteger;
  private readonly commitDays: RandomInteger;
  private readonly receiptDays: RandomInteger;
  private readonly returnFlags: RandomWord;
  private readonly instructions: RandomWord;
  private readonly modes: RandomWord;
  private readonly comments: RandomText;

  private orderIndex: number;
  private orderDate = 0;
  private lines = 0;
  private line = 0;

  constructor({ scale, first, text }: RowSource) {
    const perOrder = LINES_PER_ORDER_MAX;
    this.scale = scale;
    this.orderIndex = first;
    this.orderDates = orderDates(first);
    this.lineCounts = lineCounts(first);
    this.draws = new LineDraws(scale, first);
    this.suppliers = new RandomInteger(2095021727, 0, 3, first, perOrder);
    this.commitDays = new RandomInteger(904914315, 30, 90, first, perOrder);
    this.receiptDays = new RandomInteger(373135028, 1, RECEIPT_DAYS_MAX, first, perOrder);
    this.returnFlags = new RandomWord(717419739, DISTRIBUTIONS.returnFlags, first, perOrder);
    this.instructions = new RandomWord(1371272478, DISTRIBUTIONS.shipInstructions, first, perOrder);
    this.modes = new RandomWord(675466456, DISTRIBUTIONS.shipModes, first, perOrder);
    this.comments = new RandomText(1095462486, text, 27, first, perOrder);
  }

  write(row: number): void {
    if (this.line === this.lines) this.beginOrder();
    this.line += 1;
    const { draws } = this;
    draws.next();
    this.orderkey.set(row, orderKey(this.orderIndex));
    this.partkey.set(row, draws.partKey);
    this.suppkey.set(row, partSupplier(draws.partKey, this.suppliers.next(), this.scale));
    this.linenumber.set(row, this.line);
    this.quantity.set(row, draws.quantity * 100);
    this.extendedprice.set(row, partPrice(draws.partKey) * draws.quantity);
    this.discount.set(row, draws.discount);
    this.tax.set(row, draws.tax);
    const shipped = this.orderDate + draws.shipDays;
    const received = shipped + this.receiptDays.next();
    this.shipdate.set(row, shipped);
    this.commitdate.set(row, this.orderDate + this.commitDays.next());
    this.receiptdate.set(row, received);
    if (received <= TODAY) this.returnFlags.addTo(this.returnflag);
    else this.returnflag.addByte(RETURN_NONE);
    this.returnflag.end(row);
    this.linestatus.addByte(shipped <= TODAY ? STATUS_FINISHED : STATUS_OPEN);
    this.linestatus.end(row);
    this.instructions.addTo(this.shipinstruct);
    this.shipinstruct.end(row);
    this.modes.addTo(this.shipmode);
    this.shipmode.end(row);
    this.comments.addTo(this.comment);
    this.comment.end(row);
    if (this.line === this.lines) this.endOrder();
  }

  private beginOrder(): void {
    this.orderIndex += 1;
    this.orderDate = this.orderDates.next();
    this.lines = this.lineCounts.next();
    this.line = 0;
  }

  private endOrder(): void {
    this.orderDates.endRow();
    this.lineCounts.endRow();
    this.draws.endOrder();
    this.suppliers.endRow();
    this.commitDays.endRow();
    this.receiptDays.endRow();
    this.returnFlags.endRow();
    this.instructions.endRow();
    this.modes.endRow();
    this.comments.endRow();
  }
}
