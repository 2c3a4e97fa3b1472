/** What orders and their lines must agree on: both tables draw these from streams of the same seeds. */
import { LINES_PER_ORDER_MAX } from '../scale.ts';
import type { Scale } from '../scale.ts';
import { RandomInteger } from './random-values.ts';

/** Dates are days since 1970-01-01. */
export const DAY_MS = 86_400_000;
const day = (date: string): number => Date.parse(date) / DAY_MS;

/** What TPC-H takes for today: a line shipped up to it is finished. */
export const TODAY = day('1995-06-17');
export const ORDER_DATE_FIRST = day('1992-01-01');
export const ORDER_DATE_LAST = day('1998-08-02');

/** A line is shipped and received within this many days of its order. */
export const SHIP_DAYS_MAX = 121;
export const RECEIPT_DAYS_MAX = 30;

export const orderDates = (first: number): RandomInteger =>
  new RandomInteger(1066728069, ORDER_DATE_FIRST, ORDER_DATE_LAST, first);

export const lineCounts = (first: number): RandomInteger =>
  new RandomInteger(1434868289, 1, LINES_PER_ORDER_MAX, first);

/** The draws of a line on which its order's price and status depend. */
export class LineDraws {
  quantity = 0;
  /** Percent. */
  discount = 0;
  /** Percent. */
  tax = 0;
  partKey = 0;
  /** Days between order and shipment. */
  shipDays = 0;

  private readonly quantities: RandomInteger;
  private readonly discounts: RandomInteger;
  private readonly taxes: RandomInteger;
  private readonly partKeys: RandomInteger;
  private readonly shipments: RandomInteger;

  constructor(scale: Scale, first: number) {
    this.quantities = new RandomInteger(209208115, 1, 50, first, LINES_PER_ORDER_MAX);
    this.discounts = new RandomInteger(554590007, 0, 10, first, LINES_PER_ORDER_MAX);
    this.taxes = new RandomInteger(721958466, 0, 8, first, LINES_PER_ORDER_MAX);
    this.partKeys = new RandomInteger(1808217256, 1, scale.parts, first, LINES_PER_ORDER_MAX);
    this.shipments = new RandomInteger(1769349045, 1, SHIP_DAYS_MAX, first, LINES_PER_ORDER_MAX);
  }

  next(): void {
    this.quantity = this.quantities.next();
    this.discount = this.discounts.next();
    this.tax = this.taxes.next();
    this.partKey = this.partKeys.next();
    this.shipDays = this.shipments.next();
  }

  endOrder(): void {
    this.quantities.endRow();
    this.discounts.endRow();
    this.taxes.endRow();
    this.partKeys.endRow();
    this.shipments.endRow();
  }
}

/** The key of the n-th order, n from 1: of every 32 keys only the first 8 are used. */
export const orderKey = (n: number): number => Math.floor(n / 8) * 32 + (n % 8);
