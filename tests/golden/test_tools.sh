#!/usr/bin/env bash
# The small tools say of a file what jobs would read: rows, types and what was refused.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

same() { # what, expected
  local got
  got=$(cat)
  [[ $got == "$2" ]] || { printf 'FAILED: %s\nexpected:\n%s\ngot:\n%s\n' "$1" "$2" "$got"; exit 1; }
}

printf 'id,on,amt\n1,a,1.50\n2,"b c",\n3,d,2.25\n4,e,1,1\n' >x.csv
gzip -k x.csv

"$QUERN" head x.csv -n 2 --csv 2>said | same "head --csv" 'id,on,amt
1,a,1.50
2,b c,'
for name in x.csv x.csv.gz; do
  "$QUERN" head $name --json 2>said | same "head $name --json" '{"id":1,"on":"a","amt":1.50}
{"id":2,"on":"b c","amt":null}
{"id":3,"on":"d","amt":2.25}'
  same "what is said of $name" "quern: $name:5: refused: expected 3 fields, got 4
quern: 1 row of $name was refused and left out" <said
done

# Suffixes in letters of any case, to be read and to be written.
cp x.csv X.CSV
cp x.csv.gz X.Csv.GZ
for name in X.CSV X.Csv.GZ; do
  "$QUERN" head $name -n 1 --csv 2>said | same "head $name" 'id,on,amt
1,a,1.50'
done
printf 'id\n1\n' >z.csv
"$QUERN" convert z.csv Z.JSONL --quiet
same "Z.JSONL" '{"id":1}' <Z.JSONL

# A table of rows that outlive their reader.
printf '{"id": 1, "on": "a"}\n{"id": 2, "on": null}\n' >y.jsonl
"$QUERN" convert y.jsonl y.parquet --quiet
for name in y.jsonl y.parquet; do
  "$QUERN" head $name 2>said | same "head $name" 'id  on
--  ----
 1  a
 2  NULL'
done

"$QUERN" schema x.csv | tail -4 | same schema 'columns:
  - {name: id, type: integer}
  - {name: "on", type: text}
  - {name: amt, type: "decimal(18,2)"}'
"$QUERN" schema x.csv.gz | head -1 | grep -q 'gzip, one chunk a file (not splittable' ||
  { echo "FAILED: schema says nothing of gzip"; exit 1; }

# What schema prints can be pasted into a spec, and says the same of the file.
{
  printf 'version: 1\nname: t\nwarehouse: w.db\nsources:\n  s:\n    path: x.csv\n'
  "$QUERN" schema x.csv | sed 's/^/    /'
  printf 'jobs:\n  j: {kind: etl, from: s, into: {table: j}}\n'
} >quern.yaml
"$QUERN" run quern.yaml --quiet
"$QUERN" head w.db#j --csv | same "a table of the warehouse" 'id,on,amt
1,a,1.5
2,b c,
3,d,2.25'

"$QUERN" stats x.csv.gz --csv 2>said | same stats 'column,type,rows,nulls,distinct,approximate,min,max,mean,stddev,quantiles,top_values
id,integer,3,0,3,false,1,3,2.0,1.0,"[1,1,2,2,3]","[[1,1],[2,1],[3,1]]"
on,text,3,0,3,false,a,d,,,,"[[""a"",1],[""b c"",1],[""d"",1]]"
amt,"decimal(18,2)",3,1,2,false,1.50,2.25,1.875,0.5303300858899106,"[1.50,1.50,1.50,1.50,2.25]","[[1.50,1],[2.25,1]]"'
grep -q '1 row of x.csv.gz was refused' said || { echo "FAILED: $(cat said)"; exit 1; }

# An estimated count of distinct values is no more than the rows.
"$QUERN" generate events --rows 50000 --customers 500 --seed 7 --out events.csv >/dev/null
"$QUERN" stats events.csv --csv | sed 's/"decimal([^"]*"/decimal/' | awk -F, '$5 + 0 > $3 + 0 { exit 1 }' ||
  { echo "FAILED: more distinct values than rows"; exit 1; }

for command in head schema stats; do
  "$QUERN" $command --help | grep -q "example: quern $command" || { echo "FAILED: $command --help"; exit 1; }
  code=0
  "$QUERN" $command none.csv 2>/dev/null || code=$?
  [[ $code == 2 ]] || { echo "FAILED: $command of no file gives $code"; exit 1; }
  code=0
  "$QUERN" $command x.unknown 2>/dev/null || code=$?
  [[ $code == 2 ]] || { echo "FAILED: $command of an unknown suffix gives $code"; exit 1; }
done
