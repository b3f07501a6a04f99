"""What Python reads in the JSON files of the test data, by the rules of docs/formats/jsonl.md:
columns with their types, then a line a row. Prints jsonl_expected.h, which the test uses.

    python3 tests/conformance/jsonl_expected.py DATA > tests/conformance/jsonl_expected.h
"""

import datetime
import hashlib
import json
import re
import sys
from pathlib import Path

DECODER = json.JSONDecoder()
BLANKS = re.compile(r"[ \t\r\n]*")
FILES = """10751.json 11407.json 12188.ndjson different_schemas.ndjson duplicate_column_names.json
    duplicate_key.ndjson example_n.ndjson example_r.ndjson example_rn.ndjson filter_keystage.ndjson
    format_string_key.json inconsistent_schemas.ndjson internal_2732.json internal_3813.json
    map_of_dates.jsonl map_of_nulls.jsonl map_of_structs.jsonl multiple_objects_per_line.ndjson
    sample_utf8_bom.json simple_timestamp.json top_level_array.json union.ndjson with_list.json
    with_uuid.json malformed/union/non_object.ndjson malformed/union/bad_key.ndjson
    malformed/union/too_many_keys.ndjson gharchive/push_event_post_drift_2025-12-15-0.json
    gharchive/push_event_pre_drift_2024-05-21-0.json""".split()


def skip(text, at):
    return BLANKS.match(text, at).end()


def records(text):
    """Records as (start, end), of an array, of lines, or one after the other."""
    at, found = skip(text, 0), []
    is_array = text[at] == "["
    at = skip(text, at + 1) if is_array else at
    while at < len(text) and text[at] != "]":
        _, end = DECODER.raw_decode(text, at)
        found.append((at, end))
        at = skip(text, end)
        if is_array and text[at] == ",":
            at = skip(text, at + 1)
    return found


def leaves(text, at, path=()):
    """(path, raw text) of every value of an object; an object with keys is taken apart."""
    if text[at] != "{" or text[skip(text, at + 1)] == "}":
        _, end = DECODER.raw_decode(text, at)
        if path:
            yield path, text[at:end]
        return
    at = skip(text, at + 1)
    while text[at] != "}":
        key, end = DECODER.raw_decode(text, at)
        at = skip(text, skip(text, end) + 1)
        yield from leaves(text, at, (*path, key))
        _, end = DECODER.raw_decode(text, at)
        at = skip(text, end)
        at = skip(text, at + 1) if text[at] == "," else at


def kind(raw):
    if raw[0] == '"':
        value = json.loads(raw)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return "date"
        return "timestamp" if moment(value) else "text"
    if raw[0] in "{[":
        return "nested"
    if raw in ("true", "false", "null"):
        return {"null": None}.get(raw, "boolean")
    if re.fullmatch(r"-?\d+", raw):
        return "integer" if -2**63 <= int(raw) < 2**63 else "text"
    return "double"


def moment(value):
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?Z?", value):
        return None
    return datetime.datetime.fromisoformat(value.removesuffix("Z"))


def common(kinds):
    kinds = kinds - {None}
    if len(kinds) == 1 and kinds != {"nested"}:
        return kinds.pop()
    return {frozenset({"integer", "double"}): "double",
            frozenset({"date", "timestamp"}): "timestamp"}.get(frozenset(kinds), "text")


def written(raw, type_):
    if raw is None or raw == "null":
        return " NULL"
    value = json.loads(raw) if raw[0] == '"' else raw
    if type_ == "double":
        value = repr(float(value))
    elif type_ == "timestamp":
        value = str(moment(value)).removesuffix("000")
    return f" |{value}|"


def table(text):
    rows, kinds, objects = [], {}, {}
    found = records(text)
    for at, _ in found:
        if text[at] != "{":
            continue
        for path, raw in leaves(text, at):
            for depth in range(1, len(path)):
                objects[path[:depth]] = True
            kinds.setdefault(path, set()).add(kind(raw))
    mixed = {p for p in kinds if p in objects and kinds[p] - {None} and
             not all(raw in ("null",) for raw in raws_at(text, found, p))}
    order = []
    for at, end in found:
        if text[at] != "{":
            rows.append(None)
            continue
        row = {}
        for path, raw in leaves(text, at):
            whole = next((path[:d] for d in range(1, len(path)) if path[:d] in mixed), None)
            if whole:
                path, raw = whole, next(r for p, r in wholes(text, at) if p == whole)
            elif path in objects and path not in mixed:
                continue  # null, or an object without keys, where others have columns
            row[path] = raw
            if path not in order:
                order.append(path)
        rows.append(row)
    return in_tree_order(order), kinds, mixed, rows


def wholes(text, at, path=()):
    """(path, raw text) of every object within an object."""
    if text[at] != "{":
        return
    if path:
        yield path, text[at:DECODER.raw_decode(text, at)[1]]
    at = skip(text, at + 1)
    while text[at] != "}":
        key, end = DECODER.raw_decode(text, at)
        at = skip(text, skip(text, end) + 1)
        yield from wholes(text, at, (*path, key))
        _, end = DECODER.raw_decode(text, at)
        at = skip(text, end)
        at = skip(text, at + 1) if text[at] == "," else at


def raws_at(text, found, path):
    return [raw for at, _ in found if text[at] == "{" for p, raw in leaves(text, at)
            if p == path and raw.replace(" ", "") != "{}"]


def in_tree_order(paths):
    """Keys in the order in which they came up, each object's together."""
    def sort(group, depth):
        heads = []
        for path in group:
            if path[depth] not in heads:
                heads.append(path[depth])
        for head in heads:
            below = [p for p in group if p[depth] == head]
            yield from [p for p in below if len(p) == depth + 1]
            yield from sort([p for p in below if len(p) > depth + 1], depth + 1)
    return list(sort(paths, 0))


def names(paths):
    taken, out = set(), []
    for place, path in enumerate(paths):
        base = ".".join(path) or f"column{place}"
        name, k = base, 0
        while name.lower() in taken:
            k += 1
            name = f"{base}_{k}"
        taken.add(name.lower())
        out.append(name)
    return out


def expected(data):
    text = data.decode("utf-8-sig")
    paths, kinds, mixed, rows = table(text)
    if not paths:  # no record is an object
        found = records(text)
        types = [common({kind(text[a:b]) for a, b in found})]
        rows, named = [{(): text[a:b]} for a, b in found], ["value"]
        paths = [()]
    else:
        types = ["text" if p in mixed else common(kinds[p]) for p in paths]
        named = names(paths)
    lines = [" ".join(f"{n}:{t}" for n, t in zip(named, types))]
    for row in rows:
        if row is not None:
            lines.append("".join(written(row.get(p), t) for p, t in zip(paths, types)))
    return "\n".join(lines) + "\n", len(rows), rows.count(None)


def main(folder):
    print("/* Printed by jsonl_expected.py: the SHA-256 of what Python reads, and its rows. */")
    print("static const struct {\n    const char *file, *sha256;\n    unsigned rows, refused;\n"
          "} jsonl_expected[] = {")
    for name in FILES:
        text, rows, refused = expected((Path(folder) / "json-lines" / name).read_bytes())
        if len(sys.argv) > 2 and sys.argv[2] == name:
            sys.stderr.write(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        print(f'    {{"{name}",\n     "{digest}", {rows - refused}, {refused}}},')
    print("};")


if __name__ == "__main__":
    main(sys.argv[1])
