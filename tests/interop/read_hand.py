"""Files that hand.py writes, read by Quern and compared to the last bit.

    python read_hand.py FOLDER interop.parquet_rows

Random files: all physical and logical types by both kinds of annotation, decimals of all sizes in
all types that may hold them, every encoding, dictionaries that end within a chunk, runs and pages
cut at random, NULLs in runs, somewhere, everywhere."""
import os
import random
import struct
import sys
import uuid

from hand import (BOOLEAN, BYTE_ARRAY, CODECS, DELTA, DELTA_BYTES, DELTA_LENGTH, DOUBLE, FIXED,
                  FLOAT, INT32, INT64, INT96, PLAIN, RLE, SPLIT, Byte, Column, write)
from read import any_double, day, double, escaped, read_ours, text, time_text, words

FILES = int(os.environ.get("QUERN_HAND_FILES", "150"))
US = 86400 * 10**6


def signed(bits):
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    return lambda r: r.choice([low, high, 0, 1, r.randint(low, high), r.randint(-9, 9)])


def unsigned(bits):
    """As Parquet stores them: those past the middle are below zero from 32 bits on."""
    def draw(r):
        value = r.choice([0, (1 << bits) - 1, 1 << bits - 1, r.randrange(1 << bits),
                          r.randrange(9)])
        return value - (1 << bits) if bits >= 32 and value >> bits - 1 else value
    return draw


def units(precision):
    top = 10**precision - 1
    return lambda r: r.choice([0, top, -top, 1, -1, r.randint(-top, top), r.randint(-9, 9)])


def big_endian(value, length=None):
    least = (value + (value < 0)).bit_length() // 8 + 1
    return value.to_bytes(length or least, "big", signed=True)


def scaled(value, scale):
    digits = str(abs(value)).rjust(scale + 1, "0")
    whole, places = digits[:len(digits) - scale], digits[len(digits) - scale:]
    return text("-" * (value < 0) + whole + ("." + places if scale else ""))


def blob(r):
    return r.choice([b"", b"\\", b"\\x", b"\0", r.randbytes(r.randrange(30)), words(r).encode(),
                     b"x" * r.randrange(3000)])


def narrow(r):
    return struct.unpack("<f", struct.pack("<I", r.choice([0, 1 << 31, 1, r.getrandbits(32)])))[0]


def int96(micros):
    return struct.pack("<qi", micros % US * 1000, micros // US + 2440588)


def interval(value):
    months, days, millis = struct.unpack("<III", value)
    return text("P%dM%dDT%d.%03dS" % (months, days, millis // 1000, millis % 1000))


class Kind:
    """What is stored, how values are drawn and stored, the forms that Quern may give them."""

    def __init__(self, physical, draw, *forms, stored=None, **element):
        self.physical, self.draw, self.forms = physical, draw, forms
        self.stored = stored or (lambda value: value)
        self.element = {{"length": 2, "converted": 6, "scale": 7, "precision": 8,
                         "logical": 10}[name]: value for name, value in element.items()}


KINDS = {
    "bool": Kind(BOOLEAN, lambda r: r.random() < 0.5, lambda v: str(int(v))),
    "int32": Kind(INT32, signed(32), str),
    "int64": Kind(INT64, signed(64), str),
    "float": Kind(FLOAT, narrow, double),
    "double": Kind(DOUBLE, any_double, double),
    "half": Kind(FIXED, lambda r: r.randbytes(2), lambda v: double(struct.unpack("<e", v)[0]),
                 length=2, logical={15: {}}),
    "bytes": Kind(BYTE_ARRAY, blob, escaped),
    "bson": Kind(BYTE_ARRAY, blob, escaped, converted=20),
    "bson_new": Kind(BYTE_ARRAY, blob, escaped, logical={13: {}}),
    "fixed1": Kind(FIXED, lambda r: r.randbytes(1), escaped, length=1),
    "fixed300": Kind(FIXED, lambda r: r.choice([b"1" * 300, r.randbytes(300)]), escaped,
                     length=300),
    "uuid": Kind(FIXED, lambda r: r.randbytes(16), lambda v: text(str(uuid.UUID(bytes=v))),
                 length=16, logical={14: {}}),
    "interval": Kind(FIXED, lambda r: r.choice([b"\xff" * 12, r.randbytes(12)]), interval,
                     length=12, converted=21),
    "int96": Kind(INT96, lambda r: day(r) * US + r.randrange(US), str, stored=int96),
    "date": Kind(INT32, day, str, converted=6),
    "date_new": Kind(INT32, day, str, logical={6: {}}),
    "nothing": Kind(INT32, lambda r: None, str, logical={11: {}}),
    "time_ms_old": Kind(INT32, lambda r: r.randrange(US // 1000), lambda v: time_text(v, 10**3),
                        converted=7),
    "time_us_old": Kind(INT64, lambda r: r.randrange(US), lambda v: time_text(v, 10**6),
                        converted=8),
    "ts_ms_old": Kind(INT64, lambda r: day(r) * 86400000 + r.randrange(86400000),
                      lambda v: str(v * 1000), converted=9),
    "ts_us_old": Kind(INT64, lambda r: day(r) * US + r.randrange(US), str, converted=10),
}
for old, new, meaning in ((0, 1, "string"), (4, 4, "enum"), (19, 12, "json")):
    KINDS[meaning] = Kind(BYTE_ARRAY, lambda r: words(r).encode(), lambda v: text(v.decode()),
                          converted=old)
    KINDS[meaning + "_new"] = Kind(BYTE_ARRAY, lambda r: words(r).encode(),
                                   lambda v: text(v.decode()), logical={new: {}})
for size, old in ((8, 15), (16, 16), (32, 17), (64, 18)):
    where = INT64 if size == 64 else INT32
    KINDS["int%d_old" % size] = Kind(where, signed(size), str, converted=old)
    KINDS["int%d_new" % size] = Kind(where, signed(size), str,
                                     logical={10: {1: Byte(size), 2: True}})
    forms = (lambda v, n=size: str(v % (1 << n)), lambda v, n=size: text(str(v % (1 << n))))
    KINDS["uint%d_old" % size] = Kind(where, unsigned(size), *forms, converted=old - 4)
    KINDS["uint%d_new" % size] = Kind(where, unsigned(size), *forms,
                                      logical={10: {1: Byte(size), 2: False}})
for where, precision, scale, length in (
        (INT32, 1, 1, 0), (INT32, 9, 0, 0), (INT32, 9, 9, 0), (INT64, 4, 2, 0), (INT64, 18, 18, 0),
        (FIXED, 1, 0, 1), (FIXED, 2, 1, 1), (FIXED, 18, 6, 8), (FIXED, 18, 6, 16), (FIXED, 19, 3, 9),
        (FIXED, 38, 38, 16), (FIXED, 76, 20, 32), (FIXED, 20, 0, 30), (BYTE_ARRAY, 3, 1, 0),
        (BYTE_ARRAY, 18, 4, 0), (BYTE_ARRAY, 25, 25, 0), (BYTE_ARRAY, 60, 7, 0)):
    is_int = where in (INT32, INT64)
    more = {"length": length} if length else {}
    KINDS["decimal_%d_%d_%d_%d" % (where, precision, scale, length)] = Kind(
        where, units(precision), str, lambda v, s=scale: scaled(v, s), converted=5, scale=scale,
        precision=precision, stored=None if is_int else lambda v, n=length: big_endian(v, n), **more)
for unit, per in ((1, 10**3), (2, 10**6), (3, 10**9)):
    for utc in (True, False):
        name = "%d_%d" % (unit, utc)
        KINDS["time_" + name] = Kind(
            INT32 if unit == 1 else INT64,
            lambda r, n=per: r.choice([0, 86400 * n - 1, r.randrange(86400 * n)]),
            lambda v, n=per: time_text(v, n), logical={7: {1: utc, 2: {unit: {}}}})
        stamp = {1: (lambda r: day(r) * 86400000 + r.randrange(86400000), lambda v: str(v * 1000)),
                 2: (lambda r: day(r) * US + r.randrange(US), str),
                 3: (lambda r: r.randint(-2**63 // 1000 + 1, 2**63 // 1000) * 1000,
                     lambda v: str(v // 1000))}[unit]
        KINDS["timestamp_" + name] = Kind(INT64, *stamp, logical={8: {1: utc, 2: {unit: {}}}})

ENCODINGS = {BOOLEAN: (RLE,), INT32: (DELTA, SPLIT), INT64: (DELTA, SPLIT), INT96: (),
             FLOAT: (SPLIT,), DOUBLE: (SPLIT,), BYTE_ARRAY: (DELTA_LENGTH, DELTA_BYTES),
             FIXED: (SPLIT, DELTA_BYTES)}


def missing(r, n):
    share = r.choice([0, 0, 1, 0.03, 0.5, None])
    if share is not None:
        return [r.random() < share for _ in range(n)]
    out = []
    while len(out) < n:
        out += [len(out) % 2 == 0] * r.randint(1, 300)
    return out[:n]


def make_column(name, n, codec, r):
    kind = KINDS[name]
    pool = [kind.draw(r) for _ in range(r.choice([1, 2, 20, 300]))]
    coded = r.choice([0, 0, n, r.randint(0, n)])
    values = [None if gone else r.choice(pool) if coded or r.random() < 0.3 else kind.draw(r)
              for gone in missing(r, n)]
    column = Column(name, kind.physical, [None if v is None else kind.stored(v) for v in values], r,
                    kind.element, None in values or r.random() < 0.6,
                    r.choice((PLAIN,) + ENCODINGS[kind.physical]), coded, codec, r.random() < 0.5,
                    r.choice([1, 3, 17, 100, 1000]) if n <= 500 else r.choice([100, 1000, 100000]))
    return column, values


def make_file(path, r):
    n = r.choice([0, 1, 2, 7, 8, 9, 63, 64, 65, 100, 500, 1025, 3000])
    codec = r.choice(list(CODECS))
    columns, values = [], {}
    for name in r.sample(sorted(KINDS), 12 if n > 500 else 25):
        column, values[name] = make_column(name, n, codec, r)
        columns.append(column)
    write(path, columns, r.choice([n, n, 64, 100, 1000]))
    return values


def differences(path, values):
    with open(path + ".ours", encoding="ascii", errors="replace") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    errors = [row[0] for row in rows if row[0].startswith("error: ")]
    n = len(next(iter(values.values())))
    if errors or len(rows) != n + 1:
        return errors[:1] or ["%d rows instead of %d" % (len(rows) - 1, n)]
    found = []
    for index, (name, column) in enumerate(values.items()):
        ours = [row[index] for row in rows[1:]]
        wanted = [["\\N" if v is None else form(v) for v in column] for form in KINDS[name].forms]
        if ours not in wanted:
            at = next(i for i in range(n) if ours[i] != wanted[0][i])
            found.append("%s: row %d is %s, not %s" % (name, at, ours[at][:80], wanted[0][at][:80]))
    return found


def main(folder, tool):
    files = {"%s/hand.%d.parquet" % (folder, i): random.Random(i) for i in range(FILES)}
    values = {path: make_file(path, r) for path, r in files.items()}
    read_ours(tool, list(files))
    complaints = [(path, text) for path in files for text in differences(path, values[path])]
    for path, complaint in complaints:
        print("%s: %s" % (os.path.basename(path), complaint))
    print("written by hand: %d files, %d columns compared, %d failures" %
          (FILES, sum(map(len, values.values())), len(complaints)))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
