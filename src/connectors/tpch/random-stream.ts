/**
 * A stream of dbgen's random numbers: Lehmer's generator (x → 16807·x mod 2³¹−1), of which every row takes a fixed
 * share whether it uses it or not. So any row is reached in O(log n) steps, and rows are the same however they are split.
 */
export class RandomStream {
  private readonly rowFactor: number;
  private rowSeed: number;
  private seed: number;

  /** Stands at row `firstRow` (counted from 0) of the stream that begins with `seed` and gives each row `usesPerRow` numbers. */
  constructor(seed: number, usesPerRow: number, firstRow: number) {
    this.rowFactor = power(MULTIPLIER, usesPerRow);
    this.rowSeed = multiply(power(this.rowFactor, firstRow), seed);
    this.seed = this.rowSeed;
  }

  /** A number from `low` to `high`, both included. */
  next(low: number, high: number): number {
    const product = this.seed * MULTIPLIER;
    const quotient = Math.floor(product * MODULUS_POWER_INVERSE);
    // 2³¹ ≡ 1, so the quotient by 2³¹ adds to the remainder instead of being divided away.
    let seed = quotient + (product - quotient * MODULUS_POWER);
    if (seed >= MODULUS) seed -= MODULUS;
    this.seed = seed;
    // dbgen keeps the width of the range in a signed 32-bit integer. Callers that ask for 0 … 2³¹−1 rely on the overflow.
    const width = (high - low + 1) | 0;
    return low + Math.trunc((seed / MODULUS) * width);
  }

  /** Leaves what the row did not use. */
  endRow(): void {
    this.rowSeed = multiply(this.rowFactor, this.rowSeed);
    this.seed = this.rowSeed;
  }
}

const MULTIPLIER = 16807;
const MODULUS = 2147483647;
const MODULUS_POWER = 2147483648;
const MODULUS_POWER_INVERSE = 1 / MODULUS_POWER;

/** a·b mod 2³¹−1 for a, b < 2³¹−1. The halves of b keep every intermediate product below 2⁵³. */
function multiply(a: number, b: number): number {
  const high = Math.floor(b / 65536);
  return reduce(reduce(a * high) * 65536 + a * (b - high * 65536));
}

/** x mod 2³¹−1 for 0 ≤ x < 2⁵³. */
function reduce(x: number): number {
  const quotient = Math.floor(x * MODULUS_POWER_INVERSE);
  const sum = quotient + (x - quotient * MODULUS_POWER);
  return sum >= MODULUS ? sum - MODULUS : sum;
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let factor = base, rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiply(result, factor);
    factor = multiply(factor, factor);
  }
  return result;
}
