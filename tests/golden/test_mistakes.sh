# A spec with five different mistakes yields all five, each with line and column, and exit 2.
source "$QUERN_ROOT/tests/support/cluster.sh"
printf 'a,b\n1,2\n' >"$folder/t.csv"
cat >"$folder/bad.yaml" <<'SPEC'
version: 1
name: bad
wharehouse: x.db
sources:
  t: {path: t.csv, on_malformed: quarantin}
jobs:
  one:
    kind: etl
    from: tt
  two:
    kind: etl
    from: t
    drop: [c]
    data_tests: [{not_nul: {column: a}}]
SPEC
code=0
text=$("$QUERN" validate "$folder/bad.yaml" 2>&1) || code=$?
expect "exit code" 2 "$code"
for place in 3:1 5:34 9:11 13:12 14:19; do
  grep -q "bad.yaml:$place: " <<<"$text" || { echo "FAILED: nothing said of $place in"; echo "$text"; exit 1; }
done
expect "mistakes" 5 "$(grep -c 'bad.yaml:[0-9]*:[0-9]*: ' <<<"$text")"

# A tower of brackets is refused at once, not after the parser has climbed it.
head -c 1000000 /dev/zero | tr '\0' '[' >"$folder/tower.yaml"
code=0
text=$(timeout 5 "$QUERN" validate "$folder/tower.yaml" 2>&1) || code=$?
expect "exit code of the tower" 2 "$code"
grep -q "tower.yaml:1:25: nested more than 24 levels deep" <<<"$text" || { echo "FAILED: ${text:0:300}"; exit 1; }

# A bare table name is checked alike in every kind of job.
printf 'k,plan\n1,a\n2,b\n' >"$folder/c.csv"
cat >"$folder/names.yaml" <<'SPEC'
version: 1
name: names
sources: {c: {path: c.csv}}
jobs:
  e: {kind: etl, from: c, into: "1 bad; name"}
  t: {kind: train, from: c, label: plan, positive: a, key: k, algorithm: logistic_regression, into: "1 bad; name"}
  s: {kind: score, from: c, model: m, key: k, into: "1 bad; name"}
SPEC
code=0
text=$("$QUERN" validate "$folder/names.yaml" 2>&1) || code=$?
expect "exit code of bad names" 2 "$code"
expect "bad names" "5 6 7" "$(grep "is no table name" <<<"$text" | cut -d: -f2 | tr '\n' ' ' | sed 's/ $//')"

# Indexes are of columns that the table has, each once.
cat >"$folder/indexes.yaml" <<'SPEC'
version: 1
name: indexes
sources: {c: {path: c.csv}}
jobs:
  a: {kind: etl, from: c, into: {table: a, indexes: [[plan, k], [plan, k], [pla]]}}
  b: {kind: etl, from: c, into: {table: b, indexes: [[k, k], []]}}
  d: {kind: etl, from: c, drop: [plan], into: {table: d, indexes: [[plan]]}}
  e: {kind: etl, from: c, into: {table: e, indexes: [k, [[k]]]}}
SPEC
code=0
text=$("$QUERN" validate "$folder/indexes.yaml" 2>&1) || code=$?
expect "exit code of bad indexes" 2 "$code"
expect "bad indexes" "5:65 5:77 6:58 6:62 7:69 8:54 8:58" "$(grep -o '^.*indexes.yaml:[0-9]*:[0-9]*' <<<"$text" | grep -o '[0-9]*:[0-9]*$' | tr '\n' ' ' | sed 's/ $//')"
grep -q "did you mean 'plan'" <<<"$text" || { echo "FAILED: no hint in $text"; exit 1; }

# What later versions will know is refused by name, one message each.
printf 'k,plan,x\n1,a,3\n2,b,4\n' >"$folder/c.csv"
cat >"$folder/later.yaml" <<'SPEC'
version: 1
name: later
sources: {c: {path: c.csv}}
jobs:
  a: {kind: etl, from: c, rename: {k: id, plan: other, x: y}, into: {table: a, write_disposition: merge}}
  b: {kind: etl, from: c, join: {to: a, on: {k: id}, as_of: k}}
SPEC
code=0
text=$("$QUERN" validate "$folder/later.yaml" 2>&1) || code=$?
expect "exit code of later keys" 2 "$code"
for word in "5:.*'merge' is not supported" "6:.*'as_of' is not supported"; do
  grep -q "later.yaml:$word" <<<"$text" || { echo "FAILED: nothing like $word in"; echo "$text"; exit 1; }
done
expect "messages of later keys" 2 "$(grep -c 'later.yaml:[0-9]*:[0-9]*: ' <<<"$text")"

# A mistake hides nothing of what can be told without it: not in the same job, not in those that read
# from it. And it does not echo: columns that it keeps from being made are no mistakes further on.
printf 'id,k,x,churn\n1,a,2,yes\n2,b,3,no\n' >"$folder/c.csv"
cat >"$folder/chain.yaml" <<'SPEC'
version: 1
name: chain
sources:
  c:
    path: c.csv
    columns: [{name: idd, type: integer}, {name: x, type: double}]
  gone: {path: gone.csv}
jobs:
  one:
    kind: etl
    from: c
    filter: x >= nought
    derive: {y: "log1q(x)", z: y + 1}
    impute: {x: {strategy: meen}}
    group_by: [k]
    aggregate: {n: count(*), total: sum(xx), ids: count(idd)}
  two:
    kind: etl
    from: one
    filter: total > 0 and n > 1
    derive: {w: total / n, v: m + 1}
    join: {to: four, on: {kk: id}}
    select: [k, w]
  three:
    kind: train
    from: two
    label: w
    key: q
    algorithm: logistic
    register: {model: m, promote: {alias: best, when: [{metric: auc, min: 0.5}]}}
  four:
    kind: etl
    from: gone
    filter: id >
    derive: {a: "upper(b, c)"}
  five:
    kind: etl
    from: nowhere
    derive: {a: lover(b)}
SPEC
code=0
text=$("$QUERN" validate "$folder/chain.yaml" 2>&1) || code=$?
expect "exit code of a chain" 2 "$code"
expect "mistakes of a chain" "6:22 7:16 12:18 13:18 14:28 16:41 21:31 22:27 29:16 30:65 34:17 35:18 38:11 39:17" \
  "$(grep -o 'chain.yaml:[0-9]*:[0-9]*: ' <<<"$text" | cut -d: -f2,3 | tr '\n' ' ' | sed 's/ $//')"

# What a job lacks hides none of its other mistakes.
cat >"$folder/lacks.yaml" <<'SPEC'
version: 1
name: lacks
sources: {c: {path: c.csv}}
jobs:
  a: {kind: etl, derive: {y: "log1q(k)"}}
  b: {kind: train, from: c, label: churn, positive: yes, key: kk}
  t: {kind: train, label: churn, algorithm: logistic_regression, split: {test: 0.9, validation: 0.1}}
  d: {kind: score, from: c, model: "m m"}
  e: {kind: score, from: c, modell: m, into: "1 bad"}
SPEC
code=0
text=$("$QUERN" validate "$folder/lacks.yaml" 2>&1) || code=$?
expect "exit code of what lacks keys" 2 "$code"
expect "mistakes of what lacks keys" "5:6 5:31 6:6 6:63 7:6 7:73 8:6 8:36 9:29 9:46" \
  "$(grep -o 'lacks.yaml:[0-9]*:[0-9]*: ' <<<"$text" | cut -d: -f2,3 | tr '\n' ' ' | sed 's/ $//')"

# Two jobs cannot fill one table, and none can have a reserved name.
cat >"$folder/tables.yaml" <<'SPEC'
version: 1
name: tables
sources: {c: {path: c.csv}}
jobs:
  a: {kind: etl, from: c, into: rows}
  b: {kind: etl, from: c, into: {table: Rows, write_disposition: append}}
  d: {kind: etl, from: c, into: _quern_runs}
  e: {kind: etl, from: c, into: {table: SQLite_x}}
SPEC
code=0
text=$("$QUERN" validate "$folder/tables.yaml" 2>&1) || code=$?
expect "exit code of tables" 2 "$code"
for word in "6:41: job a fills table rows already" "7:33: .*reserved" "8:41: .*reserved"; do
  grep -q "tables.yaml:$word" <<<"$text" || { echo "FAILED: nothing like $word in"; echo "$text"; exit 1; }
done

# Nor does a select with a mistake in it bring back the columns that it leaves out.
cat >"$folder/select.yaml" <<'SPEC'
version: 1
name: selecting
sources: {c: {path: c.csv}}
jobs:
  few: {kind: etl, from: c, rename: {x: y}, select: [id, x]}
  both: {kind: etl, from: c, join: {to: few, on: [id]}}
SPEC
code=0
text=$("$QUERN" validate "$folder/select.yaml" 2>&1) || code=$?
expect "exit code" 2 "$code"
expect "mistakes of a select" "select.yaml:5:58:" "$(grep -o 'select.yaml:[0-9]*:[0-9]*:' <<<"$text" | paste -sd ' ')"
