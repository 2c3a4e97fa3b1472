/** Rows of `orders`. */
import { BigintColumn, IntegerColumn, MoneyColumn, TextColumn, wordsOf } from '../columns.ts';
import { DISTRIBUTIONS } from '../distributions.ts';
import type { Scale } from '../scale.ts';
import { LineDraws, lineCounts, orderDates, orderKey, TODAY } from './order-lines.ts';
import { partPrice } from './part.ts';
import { RandomInteger, RandomText, RandomWord } from './random-values.ts';
import type { RowSource, RowWriter } from './row-writer.ts';

const CLERK = wordsOf(['Clerk#']);
const STATUS_FINISHED = 'F'.charCodeAt(0);
const STATUS_OPEN = 'O'.charCodeAt(0);
const STATUS_PARTIAL = 'P'.charCodeAt(0);

/** Every third customer never orders. */
const CUSTOMERS_WITHOUT_ORDERS = 3;

export class OrdersWriter implements RowWriter {
  private readonly orderkey = new BigintColumn();
  private readonly custkey = new BigintColumn();
  private readonly orderstatus = new TextColumn(1);
  private readonly totalprice = new MoneyColumn();
  private readonly orderdate = new IntegerColumn('date');
  private readonly orderpriority = new TextColumn(15);
  private readonly clerk = new TextColumn(15);
  private readonly shippriority = new IntegerColumn('integer');
  private readonly comment = new TextColumn(79);
  readonly columns = [
    this.orderkey,
    this.custkey,
    this.orderstatus,
    this.totalprice,
    this.orderdate,
    this.orderpriority,
    this.clerk,
    this.shippriority,
    this.comment,
  ];

  private readonly scale: Scale;
  private readonly dates: RandomInteger;
  private readonly lineCounts: RandomInteger;
  private readonly customers: RandomInteger;
  private readonly priorities: RandomWord;
  private readonly clerks: RandomInteger;
  private readonly comments: RandomText;
  private readonly line: LineDraws;
  private index: number;

  constructor({ scale, first, text }: RowSource) {
    this.scale = scale;
    this.index = first;
    this.dates = orderDates(first);
    this.lineCounts = lineCounts(first);
    this.customers = new RandomInteger(851767375, 1, scale.customers, first);
    this.priorities = new RandomWord(591449447, DISTRIBUTIONS.orderPriorities, first);
    this.clerks = new RandomInteger(1171034773, 1, scale.clerks, first);
    this.comments = new RandomText(276090261, text, 49, first);
    this.line = new LineDraws(scale, first);
  }

  write(row: number): void {
    this.index += 1;
    const date = this.dates.next();
    this.orderkey.set(row, orderKey(this.index));
    this.custkey.set(row, this.orderingCustomer());
    this.writeTotals(row, date);
    this.orderdate.set(row, date);
    this.priorities.addTo(this.orderpriority);
    this.orderpriority.end(row);
    this.clerk.addWord(CLERK, 0);
    this.clerk.addDigits(this.clerks.next(), 9);
    this.clerk.end(row);
    this.shippriority.set(row, 0);
    this.comments.addTo(this.comment);
    this.comment.end(row);

    this.dates.endRow();
    this.lineCounts.endRow();
    this.customers.endRow();
    this.priorities.endRow();
    this.clerks.endRow();
    this.comments.endRow();
    this.line.endOrder();
  }

  /** Steps back and forth from a customer who never orders to the next one who does, as dbgen does it. */
  private orderingCustomer(): number {
    let key = this.customers.next();
    for (let step = 1; key % CUSTOMERS_WITHOUT_ORDERS === 0; step = -step) {
      key = Math.min(key + step, this.scale.customers);
    }
    return key;
  }

  /** An order's price and status are those of its lines. */
  private writeTotals(row: number, date: number): void {
    const { line } = this;
    const lines = this.lineCounts.next();
    let total = 0;
    let shipped = 0;
    for (let i = 0; i < lines; i++) {
      line.next();
      const discounted = Math.floor((partPrice(line.partKey) * line.quantity * (100 - line.discount)) / 100);
      total += Math.floor((discounted * (100 + line.tax)) / 100);
      if (date + line.shipDays <= TODAY) shipped += 1;
    }
    this.totalprice.set(row, total);
    this.orderstatus.addByte(shipped === lines ? STATUS_FINISHED : shipped > 0 ? STATUS_PARTIAL : STATUS_OPEN);
    this.orderstatus.end(row);
  }
}
