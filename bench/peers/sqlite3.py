"""The sqlite3 command: .import into a table, then SQL. One thread is all it has."""

import shutil
import subprocess
import sys

from bench.peers.common import CUSTOMERS, EVENTS, KEPT, KINDS, create_table, main, route

COUNTS = ", ".join(f"count(*) filter (where kind = '{k}') as {name}" for name, k in KINDS.items())
CENTS = "cast(round(amount * 100) as integer)"
VALUED = "filter (where amount <> '')"  # an empty field is an empty text after .import
BY_KIND = f"""create table answer as select kind, count(*) as n,
    sum({CENTS}) {VALUED} / 100.0 as total, avg({CENTS}) {VALUED} / 100 as mean,
    count(*) filter (where duration = 'n/a') as dirty from events group by kind"""
BY_CUSTOMER = f"""create table answer as select customer_id, count(*) as n,
    sum({CENTS}) {VALUED} / 100.0 as total, avg({CENTS}) {VALUED} / 100 as mean,
    max(amount) {VALUED} as largest, max(ts) as last_ts, {COUNTS}
    from events group by customer_id"""
OTHERS = ", ".join(KEPT).replace("total_charge", """case total_charge when '' then
    (select round(avg(total_charge), 2) from customers where total_charge <> '')
    else total_charge end""")
IMPUTED = f"insert into answer select {OTHERS} from customers"


def run(out, path, table, columns, question):
    raw = create_table(columns).replace("create table answer", f"create temp table {table}")
    script = f"""pragma journal_mode = off;
pragma synchronous = off;
pragma temp_store = memory;
{raw};
.import --csv --skip 1 --schema temp '{path}' {table}
begin;
{question};
commit;
"""
    subprocess.run(["sqlite3", "-bail", out], input=script, text=True, check=True,
                   stdout=subprocess.DEVNULL)


@route("W1", "import.db")
def kinds(inputs, out):
    run(out, inputs["events"], "events", EVENTS, BY_KIND)


@route("W2", "import.db")
def usage(inputs, out):
    run(out, inputs["events"], "events", EVENTS, BY_CUSTOMER)


@route("W3", "import.db")
def customers(inputs, out):
    create = create_table({c: CUSTOMERS[c] for c in KEPT})
    run(out, inputs["customers"], "customers", CUSTOMERS, f"{create}; {IMPUTED}")


if __name__ == "__main__":
    if not shutil.which("sqlite3"):
        sys.exit("no sqlite3 on this machine")
    main(subprocess.run(["sqlite3", "--version"], capture_output=True, text=True,
                        check=True).stdout.split()[0])
