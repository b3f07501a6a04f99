"""The events of a CSV file as JSON lines: amounts as numbers, nothing as null, the rest as texts.

    python3 -m bench.jsonl_of_csv EVENTS.csv EVENTS.jsonl
"""

import sys

LINE = ('{"event_id":"%s","customer_id":"%s","ts":"%s","kind":"%s","amount":%s,"duration":%s,'
        '"channel":"%s"}\n')


def main(source, target):
    with open(source) as lines, open(target, "w") as out:
        names = next(lines)
        assert names == "event_id,customer_id,ts,kind,amount,duration,channel\n", names
        for line in lines:
            event, customer, at, kind, amount, duration, channel = line[:-1].split(",")
            out.write(LINE % (event, customer, at, kind, amount or "null",
                              f'"{duration}"' if duration else "null", channel))


if __name__ == "__main__":
    main(*sys.argv[1:])
