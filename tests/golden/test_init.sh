# `quern init` writes projects that run as they are, whose specs are those of examples/; it touches
# no file that is there.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
for template in churn retail; do
  "$QUERN" init "deep/$template" --template $template >said
  grep -q "cd deep/$template" said || { echo "FAILED: $(cat said)"; exit 1; }
  for name in quern.yaml README.md; do
    cmp "deep/$template/$name" "$QUERN_ROOT/examples/$template/$name" ||
      { echo "FAILED: $template/$name is not the example's"; exit 1; }
  done
  (cd "deep/$template" && "$QUERN" run quern.yaml --workers 1 >summary)
  grep -q "success in" "deep/$template/summary" || { cat "deep/$template/summary"; exit 1; }
  # Every command that the summary and the README tell to try runs.
  grep -hE '^ +(sqlite3|quern (models|status)) ' "deep/$template/"{summary,README.md} >tries
  [[ $(wc -l <tries) -ge 3 ]] || { echo "FAILED: $template suggests too little: $(cat tries)"; exit 1; }
  while IFS= read -r line; do
    (cd "deep/$template" && PATH=$(dirname "$QUERN"):$PATH bash -c "$line" >/dev/null </dev/null) ||
      { echo "FAILED: $template suggests what fails: $line"; exit 1; }
  done <tries
done
expect "a score for every customer" 5000 \
  "$(sqlite3 deep/churn/churn.db 'select count(*) from churn_scores')"
expect "lines kept and refused" 20000 "$(sqlite3 deep/retail/retail.db \
  'select (select count(*) from customer_lines) + (select count(*) from _quern_quarantine)')"

# Nothing is overwritten, and nothing is written beside what is there; all of it is named.
mkdir full
echo mine >full/README.md
ln -s nowhere full/quern.yaml
code=0
"$QUERN" init full 2>said || code=$?
expect "exit code where files are" 2 "$code"
grep -q "quern.yaml, README.md" said || { echo "FAILED: $(cat said)"; exit 1; }
expect "what is there" "README.md quern.yaml" "$(ls -A full | sort | tr '\n' ' ' | sed 's/ $//')"
expect "my file" mine "$(cat full/README.md)"

# Into the folder one is in, and as JSON.
mkdir here
(cd here && "$QUERN" init --template retail --json >../said)
expect "files as JSON" \
  '{"folder":".","files":["quern.yaml","README.md",".gitignore","data/lines.csv"]}' "$(cat said)"
code=0
"$QUERN" init other --template churm 2>said || code=$?
expect "exit code of an unknown template" 2 "$code"
grep -q "did you mean 'churn'" said || { echo "FAILED: $(cat said)"; exit 1; }
[[ ! -e other ]] || { echo "FAILED: an unknown template left a folder"; exit 1; }
