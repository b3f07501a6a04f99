# What every subcommand keeps: --help with an example and exit 0; a wrong option, exit 2.
source "$QUERN_ROOT/tests/support/cluster.sh"
commands=$("$QUERN" --help | awk '/^  [a-z]/ {print $1}')
[[ $(wc -w <<<"$commands") -ge 11 ]] || { echo "FAILED: quern --help lists: $commands"; exit 1; }
for name in init validate plan run coordinator worker status models digest generate version; do
  grep -qw "$name" <<<"$commands" || { echo "FAILED: quern --help says nothing of $name"; exit 1; }
done
for name in $commands; do
  text=$("$QUERN" "$name" --help) || { echo "FAILED: quern $name --help ended with $?"; exit 1; }
  grep -q "^usage: quern $name" <<<"$text" || { echo "FAILED: usage of $name: $text"; exit 1; }
  grep -q "example: .*quern $name" <<<"$text" || { echo "FAILED: no example of $name: $text"; exit 1; }
  grep -q "quern $name" "$QUERN_ROOT/docs/cli.md" || { echo "FAILED: docs/cli.md without $name"; exit 1; }
  code=0
  complaint=$("$QUERN" "$name" --no-such-option 2>&1 >/dev/null) || code=$?
  expect "exit code of quern $name --no-such-option" 2 "$code"
  grep -q "quern $name" <<<"$complaint" || { echo "FAILED: $name complains: $complaint"; exit 1; }
done
refused() { # words...: wrong, and nothing was started
  local code=0
  "$QUERN" "$@" >"$folder/out" 2>&1 || code=$?
  expect "exit code of quern $*" 2 "$code"
}
refused
refused statuss
grep -q "did you mean 'status'" "$folder/out" || { echo "FAILED: $(cat "$folder/out")"; exit 1; }
refused run
refused run "$folder/none.yaml"
refused run "$folder/none.yaml" more words
refused run "$folder/none.yaml" --workers 0
refused coordinator "$folder/none.yaml"
refused worker
for endpoint in foo tcp:// tcp://h tcp://127.0.0.1:99999 ipc:// http://h:1; do
  for command in "worker --connect" "coordinator $folder/none.yaml --listen"; do
    refused $command $endpoint
    grep -q "expected tcp://HOST:PORT or ipc://PATH, got '$endpoint'" "$folder/out" ||
      { echo "FAILED: $command $endpoint: $(cat "$folder/out")"; exit 1; }
  done
done
refused status "$folder/none.yaml"
refused digest "$folder/none.db"
refused models list
refused models list --warehouse "$folder/none.db"
refused models show --warehouse "$folder/none.db"
refused generate churn
refused validate --schema "$folder/none.yaml"

# The schema that editors take is the committed one.
"$QUERN" validate --schema >"$folder/schema.json"
cmp "$folder/schema.json" "$QUERN_ROOT/docs/spec.schema.json" || { echo "FAILED: another schema"; exit 1; }
