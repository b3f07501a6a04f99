# `quern report`: one page that is well-formed, holds what the run came to, runs nothing whatever a
# column or a value is called, and is the same bytes each time.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
# A column and values that would like to run.
awk 'BEGIN {srand(5); print "id,\"<script>alert(1)</script>\",part,churned"
  for (i = 1; i <= 900; i++) {x = rand(); p = i % 3
    print "k" i "," x "," (p == 0 ? "\"</svg><img src=x onerror=alert(2)>\"" : p == 1 ? "\"a & b\"" : "c") \
      "," (x + rand() > 1 ? "yes" : "no")}
  print "k901,wrong\"<b>,c,no"}' >in.csv
cat >quern.yaml <<'SPEC'
version: 1
name: report
seed: 3
warehouse: w.db
sources:
  people:
    path: in.csv
    on_malformed: quarantine
    columns:
      - {name: id, type: text, data_tests: [not_null, unique]}
      - {name: "<script>alert(1)</script>", type: double}
      - {name: part, type: text}
      - {name: churned, type: text}
jobs:
  people_kept:
    kind: etl
    from: people
    data_tests: [{row_count: {min: 1}}]
    into: people_kept
  churn:
    kind: train
    from: people_kept
    label: churned
    positive: "yes"
    key: id
    split: {method: hash, test: 0.4, stratify: true}
    algorithm: logistic_regression
    evaluate: {slices: [part], importance: {}, threshold: {cost: {false_positive: 1, false_negative: 3}}}
    register: {model: churn, promote: {alias: champion, when: [{metric: roc_auc, vs: champion}]}}
SPEC
"$QUERN" run quern.yaml --workers 1 --quiet
first=$(sqlite3 w.db "select run_id from _quern_runs")
sed -i 's/seed: 3/seed: 4/' quern.yaml
"$QUERN" run quern.yaml --workers 1 --quiet
"$QUERN" report last --warehouse w.db --out page.html --quiet
"$QUERN" report >same.html # quern.yaml says where
expect "the same bytes each time" "" "$(cmp page.html same.html)"
cp w.db copy.db
expect "made of the warehouse alone" "" "$("$QUERN" report --warehouse copy.db | cmp - page.html)"

holds() { # what, text
  grep -qF -- "$2" page.html || { echo "FAILED: the page has no $1: $2"; exit 1; }
}
holds "status" '<span class="status success">success</span></h1>'
holds "name of the spec" "<h1>report: "
for section in jobs tests models columns; do holds "section" "<h2 id=\"$section\">"; done
for figure in ROC "Precision and recall" Calibration "Lift by tenths" Gain Scores Thresholds; do
  holds "figure" "<figure><h4>$figure</h4>"
done
holds "challenger" '</span>churn v2 (0.'
holds "champion beside it" '</span>champion churn v1 (0.'
holds "comparison" '<code>churn v1 @champion</code>'
holds "whose rows" 'Both versions on the same rows: the '
expect "both were measured on the rows they were compared on" "1|1|1" "$(sqlite3 w.db "
  with m as (select split, max(iif(metric = 'roc_auc', value, null)) as auc, max(iif(metric = 'rows', value, null)) as n
    from _quern_model_metrics where version = 2 group by split)
  select abs(a.auc - c.value) < 1e-12, abs(b.auc - c.against_value) < 1e-12, a.n = c.rows and b.n = c.rows
    and a.n = (select sum(rows) from _quern_model_bins where version = 2 and split = 'against' and kind = 'width')
  from _quern_model_comparisons as c, m as a, m as b where a.split = 'compared' and b.split = 'against'")"
holds "permutations" '<figure><h4>Permutation importance</h4>'
holds "contributions" '<figure><h4>SHAP summary</h4>'
holds "dots by the level of values" '<path class="swarm l0" d="M'
holds "dots of texts" '<path class="swarm l7" d="M'
holds "weights" '<h4>Coefficients</h4>'
holds "slices" '<h4>Slices of the test rows</h4>'
holds "chosen threshold" '<span class="key kgood"></span>chosen: '
holds "what was refused" 'wrong&#34;&lt;b&gt;'
holds "dark colours" '@media (prefers-color-scheme: dark)'
holds "policy that lets nothing run" "content=\"default-src 'none'; style-src 'unsafe-inline'\""
holds "column as text" '&lt;script&gt;alert(1)&lt;/script&gt;'
holds "value as text" '&lt;/svg&gt;&lt;img src=x onerror=alert(2)&gt;'
expect "histograms of numbers, and of numbers only" "1" \
  "$(grep -c '<svg class="plot".*aria-label="&lt;script' page.html)"
if grep -niE '<(script|img|link|iframe|object|embed|form|base)\b|<[^>]* (on[a-z]+|src|style)=|url\(|@import' page.html; then
  echo "FAILED: the page holds what could run or load something"; exit 1
fi
expect "links within the page alone" "" "$(grep -oE 'href="[^#][^"]*"' page.html || true)"
"$QUERN" report "$first" --warehouse w.db --out first.html --json >said
expect "says what it wrote" "$first|$(stat -c %s first.html)" \
  "$(sqlite3 :memory: "select j ->> 'run_id', j ->> 'bytes' from (select readfile('said') as j)")"
grep -q 'class="key b"' first.html && { echo "FAILED: a champion beside the first model"; exit 1; }

code=0
"$QUERN" report nobody --warehouse w.db >said 2>&1 || code=$?
expect "exit code without such a run" 2 "$code"
grep -q "holds no run 'nobody'; the last is" said || { cat said; exit 1; }
code=0
"$QUERN" report --warehouse none.db >said 2>&1 || code=$?
expect "exit code without a warehouse" 2 "$code"
code=0
"$QUERN" report --warehouse w.db --out no/such/folder.html >said 2>&1 || code=$?
expect "exit code when it cannot be written" 1 "$code"

if python3 -c '' 2>/dev/null; then
  python3 - <<'CHECK'
import xml.dom.minidom
from html.parser import HTMLParser
page = open("page.html", encoding="utf-8").read()
xml.dom.minidom.parseString(page)
tags = []
class Reader(HTMLParser):
    def handle_starttag(self, tag, attributes): tags.append(tag)
Reader(convert_charrefs=True).feed(page)
assert "script" not in tags and "img" not in tags, set(tags)
assert tags.count("svg") > 10 and tags.count("h2") == 4, tags
CHECK
elif command -v xmllint >/dev/null; then
  xmllint --noout page.html
else
  echo "not checked: whether the page is well-formed (neither python3 nor xmllint is here)"
fi
