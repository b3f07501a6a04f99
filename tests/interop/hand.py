"""Writes Parquet by hand: every type, encoding and shape of pages that the format allows, those
too that no library would choose.

    write(path, columns, group)

Names of encodings are those of parquet-format. Randomness says how runs and pages are cut."""
import struct
import zlib

import pyarrow

BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FIXED = range(8)
PLAIN, PLAIN_DICTIONARY, RLE, BIT_PACKED, DELTA, DELTA_LENGTH, DELTA_BYTES, DICTIONARY, SPLIT = (
    0, 2, 3, 4, 5, 6, 7, 8, 9)
CODECS = {"none": 0, "snappy": 1, "gzip": 2, "lz4": 5, "zstd": 6, "lz4_raw": 7}


# --- thrift: structs are dicts of fields; an int is 32 bits, a Long 64, a Byte 8 ------------------

class Long(int):
    pass


class Byte(int):
    pass


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def zigzag(n):
    return varint(n << 1 if n >= 0 else ~(n << 1))


def type_of(value):
    for kind, number in ((bool, 1 if value else 2), (Byte, 3), (Long, 6), (int, 5), (bytes, 8),
                         (str, 8), (list, 9), (dict, 12)):
        if isinstance(value, kind):
            return number
    raise TypeError(value)


def thrift(value):
    if isinstance(value, bool):
        return b""
    if isinstance(value, Byte):
        return bytes([value & 255])
    if isinstance(value, int):
        return zigzag(int(value))
    if isinstance(value, (bytes, str)):
        text = value.encode() if isinstance(value, str) else value
        return varint(len(text)) + text
    if isinstance(value, list):
        kind = type_of(value[0]) if value else 12
        return bytes([0xf0 | kind]) + varint(len(value)) + b"".join(map(thrift, value))
    out, last = b"", 0
    for number, field in sorted(value.items()):
        if field is not None:
            out += bytes([number - last << 4 | type_of(field)]) + thrift(field)
            last = number
    return out + b"\0"


# --- values ---------------------------------------------------------------------------------------

def pack(values, width):
    number = 0
    for i, value in enumerate(values):
        number |= value << i * width
    return number.to_bytes((len(values) * width + 7) // 8, "little")


def pack_from_top(values):
    bits = "".join(map(str, values)) + "0" * (-len(values) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def plain(kind, values):
    if kind == BOOLEAN:
        return pack([int(value) for value in values], 1)
    form = {INT32: "<i", INT64: "<q", FLOAT: "<f", DOUBLE: "<d"}.get(kind)
    if form:
        return b"".join(struct.pack(form, value) for value in values)
    if kind == BYTE_ARRAY:
        return b"".join(struct.pack("<I", len(value)) + value for value in values)
    return b"".join(values)


def split(kind, values):
    raw = plain(kind, values)
    width = len(raw) // len(values) if values else 1
    return b"".join(raw[k::width] for k in range(width))


def hybrid(values, width, r):
    """Runs and packed groups of 8, cut at random; what pads the last group is anything."""
    out, at = b"", 0
    while at < len(values):
        end = at
        while end < len(values) and values[end] == values[at]:
            end += 1
        if end - at >= 8 or width == 0:
            n = r.randint(1, end - at) if r.random() < 0.3 else end - at
            out += varint(n << 1) + values[at].to_bytes((width + 7) // 8, "little")
        else:
            groups = min(r.randint(1, 5), (len(values) - at + 7) // 8)
            part = values[at:at + 8 * groups]
            n = len(part)
            padding = [r.randrange(1 << width) for _ in range(8 * groups - n)]
            out += varint(groups << 1 | 1) + pack(part + padding, width)
        at += n
    return out


def delta(values, bits, r):
    block = r.choice((128, 256, 1024))
    minis = r.choice((1, 2, 4))
    wrapped = [((b - a + (1 << bits - 1)) % (1 << bits)) - (1 << bits - 1)
               for a, b in zip(values, values[1:])]
    out = varint(block) + varint(minis) + varint(len(values)) + zigzag(values[0] if values else 0)
    for at in range(0, len(wrapped), block):
        part = wrapped[at:at + block]
        widths, body = b"", b""
        for k in range(0, block, block // minis):
            above = [(d - min(part)) % (1 << bits) for d in part[k:k + block // minis]]
            width = max(above).bit_length() if above else r.choice((0, 7, 255))
            if above:
                width = min(bits, width + r.choice((0, 0, 0, 2)))
                body += pack(above + [0] * (block // minis - len(above)), width)
            widths += bytes([width])
        out += zigzag(min(part)) + widths + body
    return out


def delta_length(values, r):
    return delta([len(value) for value in values], 32, r) + b"".join(values)


def delta_bytes(values, r):
    prefixes, suffixes, last = [], [], b""
    for value in values:
        n = 0
        while n < min(len(value), len(last)) and value[n] == last[n]:
            n += 1
        n = r.randint(0, n) if r.random() < 0.2 else n
        prefixes.append(n)
        suffixes.append(value[n:])
        last = value
    return delta(prefixes, 32, r) + delta_length(suffixes, r)


def encode(kind, encoding, values, r):
    if encoding == RLE:
        runs = hybrid([int(value) for value in values], 1, r)
        return struct.pack("<I", len(runs)) + runs
    if encoding == DELTA:
        return delta(values, 32 if kind == INT32 else 64, r)
    if encoding == DELTA_LENGTH:
        return delta_length(values, r)
    if encoding == DELTA_BYTES:
        return delta_bytes(values, r)
    return split(kind, values) if encoding == SPLIT else plain(kind, values)


# --- pages ----------------------------------------------------------------------------------------

def compress(codec, data):
    if codec == "none":
        return data
    if codec == "lz4":  # as Hadoop frames it
        inner = pyarrow.compress(data, "lz4_raw", asbytes=True)
        return struct.pack(">II", len(data), len(inner)) + inner
    return pyarrow.compress(data, codec, asbytes=True)


class Column:
    """`dictionary`: of so many rows; later ones have `encoding`. `element`: more of its schema."""

    def __init__(self, name, kind, values, r, element=None, optional=True, encoding=PLAIN,
                 dictionary=0, codec="none", v2=False, page=1000):
        self.name, self.kind, self.values, self.r = name, kind, values, r
        self.element, self.optional = element or {}, optional
        self.encoding, self.dictionary = encoding, dictionary
        self.codec, self.v2, self.page = codec, v2, page
        self.old, self.from_top = r.random() < 0.3, r.random() < 0.2
        self.has_crc, self.has_empty = r.random() < 0.7, r.random() < 0.2
        self.says_dictionary = r.random() < 0.8

    def schema(self):
        return {1: self.kind, 3: int(self.optional), 4: self.name, **self.element}

    def put(self, kind, plain_bytes, stored, more):
        crc = zlib.crc32(stored)
        header = {1: kind, 2: plain_bytes, 3: len(stored), **more}
        if self.has_crc:
            header[4] = crc - (1 << 32) if crc >> 31 else crc
        return thrift(header) + stored

    def data_page(self, rows, encoding, body):
        levels = [int(value is not None) for value in rows]
        n = len(rows)
        if self.v2:
            head = hybrid(levels, 1, self.r) if self.optional else b""
            packed = self.r.random() < 0.7
            stored = head + (compress(self.codec, body) if packed else body)
            return self.put(3, len(head) + len(body), stored,
                            {8: {1: n, 2: levels.count(0), 3: n, 4: encoding, 5: len(head), 6: 0,
                                 7: packed}})
        head = b""
        if self.optional and self.from_top:
            head = pack_from_top(levels)
        elif self.optional:
            runs = hybrid(levels, 1, self.r)
            head = struct.pack("<I", len(runs)) + runs
        return self.put(0, len(head) + len(body), compress(self.codec, head + body),
                        {5: {1: n, 2: encoding, 3: BIT_PACKED if self.from_top else RLE, 4: RLE}})

    def codes(self, values, numbers):
        width = max(1, (len(numbers) - 1).bit_length()) + self.r.choice((0, 0, 0, 3))
        if len(numbers) == 1 and self.r.random() < 0.5:
            width = 0
        return bytes([width]) + hybrid([numbers[repr(value)] for value in values], width, self.r)

    def chunk(self, first, rows, at):
        """The bytes and the ColumnMetaData of rows that begin at `first` in the file's."""
        coded = max(0, min(self.dictionary - first, len(rows)))
        entries = {repr(value): value for value in rows[:coded] if value is not None}
        numbers = {text: i for i, text in enumerate(entries)}
        out, data_at, i = b"", None, 0
        if coded:
            body = plain(self.kind, list(entries.values()))
            out = self.put(2, len(body), compress(self.codec, body),
                           {7: {1: len(entries), 2: PLAIN_DICTIONARY if self.old else PLAIN}})
        while i < len(rows) or data_at is None:
            data_at = at + len(out) if data_at is None else data_at
            end = i + self.r.randint(0 if self.has_empty else 1, self.page)
            end = min(end, coded) if i < coded else end
            there = [value for value in rows[i:end] if value is not None]
            encoding = self.encoding
            if i < coded:
                encoding = PLAIN_DICTIONARY if self.old else DICTIONARY
                body = self.codes(there, numbers)
            else:
                body = encode(self.kind, encoding, there, self.r)
            out += self.data_page(rows[i:end], encoding, body)
            i = min(end, len(rows))
            if not rows:
                break
        meta = {1: self.kind, 2: [RLE, self.encoding], 3: [self.name], 4: CODECS[self.codec],
                5: Long(len(rows)), 6: Long(len(out)), 7: Long(len(out)), 9: Long(data_at)}
        if coded and self.says_dictionary:
            meta[11] = Long(at)
        elif coded:
            meta[9] = Long(at)
        return out, meta


def write(path, columns, group):
    """Row groups of `group` rows; no rows make one group, or none where `group` is 0."""
    n = len(columns[0].values)
    out, groups = b"PAR1", []
    for first in range(0, max(n, 1), group) if group else ():
        chunks = []
        for column in columns:
            data, meta = column.chunk(first, column.values[first:first + group], len(out))
            out += data
            chunks.append({2: Long(meta[9]), 3: meta})
        groups.append({1: chunks, 2: Long(len(out)), 3: Long(min(group, n - first))})
    footer = thrift({1: 1, 2: [{4: "schema", 5: len(columns)}] + [c.schema() for c in columns],
                     3: Long(n), 4: groups, 6: "by hand"})
    with open(path, "wb") as file:
        file.write(out + footer + struct.pack("<I", len(footer)) + b"PAR1")
