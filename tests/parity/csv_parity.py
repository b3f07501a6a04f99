"""Every expectation of tests/conformance/csv_expected.h, verified without Quern's reader.

Most by DuckDB: the same number of rows, columns and refused lines when it sniffs the file, all columns
text, in its strict or its forgiving mode. Where DuckDB says something else on purpose or by
leniency, by a second reader of RFC 4180 below, given the dialect that one sees in the file; what we do
otherwise, and why, stands beside it. Prints how each was verified; ends with 1 when one was not."""

import gzip
import re
import sys
from pathlib import Path

import duckdb

# Why our answer is not DuckDB's.
NUL = "a NUL byte is no text: the record that holds one is refused, DuckDB keeps it or gives up"
UTF8 = "text that is not UTF-8 is refused record by record, a header as a whole"
QUOTE = "a stray quote refuses its record: DuckDB guesses what was meant"
MIXED = "CR, LF and CRLF each end a record, also mixed in one file, which DuckDB's sniffer refuses"
HEADER = "DuckDB takes the first record for names; here it has what a header has not"
NAMES = "one line of texts is a header without rows; DuckDB takes it for a row"
EMPTY = "no columns can be told from nothing: DuckDB makes one up"
SPACE = "a blank before a quote makes the field unquoted, and the quote in it stray"
COUNT = "records with more or fewer fields than the header are refused"
BOM = "UTF-16 is told by its byte order mark"

# File: delimiter, is the first record a header, encoding, why.
OURS = {
    "afl/10.csv": (",", True, "utf-8", NUL),
    "afl/2.csv": (",", True, "utf-8", NUL),
    "afl/20.csv": (",", True, "utf-8", NUL),
    "afl/4793/crashes/case_0.csv": (",", True, "utf-8", NUL),
    "afl/7.csv": (",", True, "utf-8", NUL),
    "afl/no_parameter/1.csv": (",", True, "utf-8", NUL),
    "afl/no_parameter/9.csv": (",", True, "utf-8", NUL),
    "afl/ignore_errors/30.csv": (",", True, "utf-8", UTF8),
    "afl/null_padding/1.csv": (",", False, "utf-8", HEADER),
    "afl/3977/case_40.csv": (",", True, "utf-8", QUOTE),
    "afl/3977/case_66.csv": (",", False, "utf-8", QUOTE),
    "all_quotes.csv": (",", True, "utf-8", SPACE),
    "auto/varchar_multi_line.csv": (",", False, "utf-8", HEADER),
    "auto/various_time_formats.csv": (",", True, "utf-8", NAMES),
    "empty.csv": (",", True, "utf-8", EMPTY),
    "encodings/shift_jis.csv": (",", True, "utf-8", UTF8),
    "encodings/utf16.csv": (",", True, "utf-16", BOM),
    "invalid_utf8.csv": (",", False, "utf-16", BOM),
    "line_too_long.csv.gz": (",", True, "utf-8", NAMES),
    "locations_header_trailing_comma.csv": (",", True, "utf-8", COUNT),
    "mixed_new_line.csv": (",", False, "utf-8", MIXED),
    "mixed_new_line_2.csv": (",", False, "utf-8", MIXED),
    "one_r_n_two.csv": (",", True, "utf-8", MIXED),
    "test/mixed_line_endings.csv": (",", False, "utf-8", MIXED),
    "null_terminator.csv": (",", True, "utf-8", NUL),
    "nullbyte.csv": ("|", True, "utf-8", NUL),
    "nullbyte_header.csv": ("|", True, "utf-8", NUL),
    "nullterm.csv": ("|", True, "utf-8", NUL),
    "rejects/frankstein/nightmare.csv": (",", True, "utf-8", QUOTE),
    "test/invalid_utf_complex.csv": (",", False, "utf-8", UTF8 + "; the names would repeat"),
    "test/invalid_utf_quoted_nl.csv": (",", False, "utf-8", UTF8 + "; the names would repeat"),
    "test/long_escaped_value.csv": (",", True, "utf-8", QUOTE),
    "test/many_empty_lines.csv": (",", False, "utf-8", HEADER),
    "test/unterminated.csv": (",", True, "utf-8", QUOTE),
    "unescaped_quotes/end_quote_mixed.csv": (",", True, "utf-8", QUOTE),
    "unescaped_quotes/some_escaped_some_not.csv": (",", True, "utf-8", QUOTE),
    "unescaped_quotes/unescaped_quote.csv": (";", True, "utf-8", QUOTE),
}


def expectations(header):
    pattern = r'\{"([^"]+)", (\d+), (\d+), (\d+), (NULL|"((?:[^"\\]|\\.)*)")\}'
    for found in re.finditer(pattern, header.read_text()):
        yield (found[1], tuple(map(int, found.group(2, 3, 4))), found[6])


def by_duckdb(path):
    """(rows, columns, refused lines) in each mode that reads the file."""
    answers = []
    for mode in ("", ", ignore_errors=true, store_rejects=true"):
        db = duckdb.connect()
        try:
            done = db.execute(f"select * from read_csv('{path}', all_varchar=true{mode})")
            width, rows = len(done.description), len(done.fetchall())
            refused = "select count(distinct line) from reject_errors"
            answers.append((rows, width, db.execute(refused).fetchone()[0] if mode else 0))
        except duckdb.Error:
            pass
    return answers


def records(data, delimiter):
    """(fields, fault) of each record: strict RFC 4180, but for inches and seconds (5", 37.8"N), which
    docs/formats/csv.md takes. A record with a stray quote ends with its line."""
    cut, at, end = delimiter.encode()[0], 0, len(data)
    while at < end:
        fields, fault, begin = 0, None, at
        while True:
            fields += 1
            if data[at:at + 1] == b'"':
                at += 1
                while at < end and (data[at] != 34 or data[at:at + 2] == b'""'):
                    at += 2 if data[at] == 34 else 1
                if at >= end:
                    fault = fault or "quoted field is never closed"
                at += 1
                if at < end and data[at] not in (cut, 10, 13):
                    fault = fault or "text after a closing quote"
            while at < end and data[at] not in (cut, 10, 13):
                if data[at] == 34 and not data[begin:at][-1:].isdigit():
                    fault = fault or "quote inside an unquoted field"
                at += 1
            if at < end and data[at] == cut:
                at += 1
                continue
            break
        text = data[begin:at]
        if b"\0" in text:
            fault = "NUL byte"
        try:
            text.decode()
        except UnicodeDecodeError:
            fault = fault or "not valid UTF-8"
        yield fields, fault
        at += 2 if data[at:at + 2] == b"\r\n" else 1


def by_second_reader(path, dialect):
    """((rows, columns, refused), None) or (None, fault of the header)."""
    delimiter, header, encoding, _ = dialect
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if encoding == "utf-16":
        data = data.decode("utf-16").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    found = list(records(data, delimiter))
    if not found:
        return None, "file is empty"
    if header and found[0][1]:
        return None, found[0][1]
    width = found[0][0]
    rows = found[1:] if header else found
    refused = sum(1 for fields, fault in rows if fault or fields != width)
    return (len(rows) - refused, width, refused), None


def main(root, header):
    failed = ways = 0
    for name, expected, message in expectations(header):
        path = root / name
        if name not in OURS:
            answers = by_duckdb(path)
            right = message is None and expected in answers
            how = f"DuckDB {answers}"
        else:
            answer, fault = by_second_reader(path, OURS[name])
            right = fault in message if message and fault else answer == expected
            how = f"second reader {fault or answer}: {OURS[name][3]}"
            ways += right
        failed += not right
        if not right or "-v" in sys.argv:
            print(f"{'as expected' if right else 'DIFFERS'}: {name} {message or expected}: {how}")
    print(f"{ways} expectations by a second reader, the others by DuckDB {duckdb.__version__}; "
          f"{failed} not verified")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
