import avsc, { type Type, type types as Types } from "avsc";

const { types } = avsc;

/** Reads what a body states of its own lengths, and never past its end. */
interface Walker {
  skip(bytes: number): void;
  long(): number;
  /** Calls `item` once for each item of a list or map. */
  each(item: () => void): void;
}

type Step = (walker: Walker) => void;

/**
 * Makes a check that throws where a body states a length that its bytes cannot hold. The decoder believes such a length,
 * and ten bytes would make it fill the memory. Undefined where a type has neither lists nor maps.
 */
export function countsCheck(type: Type): ((body: Buffer) => void) | undefined {
  const steps = new Map<Type, Step>();
  const step = stepOf(type, steps);
  const many = [...steps.keys()].some((part) => part instanceof types.ArrayType || part instanceof types.MapType);
  return many ? (body) => step(walker(body)) : undefined;
}

function walker(body: Buffer): Walker {
  let at = 0;
  const left = () => body.length - at;
  const long = () => {
    let value = 0;
    let byte = 128;
    for (let unit = 1; byte >= 128; unit *= 128) {
      if (left() === 0) throw new RangeError("the body ends too early");
      byte = body[at++]!;
      value += (byte & 0x7f) * unit;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  return {
    long,
    skip(bytes) {
      if (bytes < 0 || bytes > left()) throw new RangeError(`the body states ${bytes} bytes, and ${left()} are left`);
      at += bytes;
    },
    each(item) {
      for (let count = long(); count !== 0; count = long()) {
        if (count < 0) long(); // bytes of the block
        const items = Math.abs(count);
        if (items > left()) throw new RangeError(`the body states ${items} items, and ${left()} bytes are left`);
        for (let i = 0; i < items; i++) item();
      }
    },
  };
}

/** Types may hold themselves: each has one step, found again by the type. */
function stepOf(type: Type, steps: Map<Type, Step>): Step {
  const again: Step = (walker) => steps.get(type)!(walker);
  if (steps.has(type)) return again;
  steps.set(type, again);
  const step = madeOf(type, (part) => stepOf(part, steps));
  steps.set(type, step);
  return step;
}

function madeOf(type: Type, stepOf: (part: Type) => Step): Step {
  if (type instanceof types.LogicalType) return stepOf(type.underlyingType);
  if (type instanceof types.FixedType) return ({ skip }) => skip(type.size);
  if (type instanceof types.RecordType) {
    const fields = type.fields.map((field) => stepOf(field.type));
    return (walker) => {
      for (const field of fields) field(walker);
    };
  }
  if (type instanceof types.ArrayType) {
    const item = stepOf(type.itemsType);
    return (walker) => walker.each(() => item(walker));
  }
  if (type instanceof types.MapType) {
    const value = stepOf(type.valuesType);
    return (walker) =>
      walker.each(() => {
        walker.skip(walker.long());
        value(walker);
      });
  }
  if (isUnion(type)) {
    const branches = type.types.map(stepOf);
    return (walker) => {
      const branch = branches[walker.long()];
      if (branch === undefined) throw new RangeError("the body names no branch of a union");
      branch(walker);
    };
  }
  return primitives[type.typeName] ?? (({ long }) => void long());
}

const isUnion = (type: Type): type is Types.UnwrappedUnionType | Types.WrappedUnionType =>
  type instanceof types.UnwrappedUnionType || type instanceof types.WrappedUnionType;

const text: Step = ({ skip, long }) => skip(long());

/** The others, `int`, `long` and `enum`, are one number. */
const primitives: Readonly<Record<string, Step>> = {
  null: () => {},
  boolean: ({ skip }) => skip(1),
  float: ({ skip }) => skip(4),
  double: ({ skip }) => skip(8),
  bytes: text,
  string: text,
};
