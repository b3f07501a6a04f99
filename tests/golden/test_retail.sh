# The daily Online Retail files: all rows arrive, the sum is exact, rows without a customer are in
# quarantine with their file and line.
source "$QUERN_ROOT/tests/support/cluster.sh"
data=$QUERN_DATA/online-retail/by-day
[[ -d $data ]] || { echo "SKIPPED: no retail files at $data"; exit 77; }
cp "$QUERN_ROOT/examples/retail/quern.yaml" "$folder/quern.yaml"
"$QUERN" run "$folder/quern.yaml" --set "data=$data" --workers 2 --warehouse "$folder/cluster.db" --quiet
expect "rows that arrive" 320705 \
  "$(count 'select (select count(*) from customer_lines) + (select count(*) from _quern_quarantine)')"
expect "rows without a customer" 88652 "$(count "select count(*) from _quern_quarantine where rule = 'not_null'")"
expect "revenue, exactly" "37|320705|5761931.382" "$(count 'select countries, lines, revenue from revenue')"
expect "revenue of kept lines, exactly" "$(count "select printf('%.3f', sum(revenue)) from revenue_by_country")" 5761931.382
expect "cancelled lines of customers" 5565 "$(count 'select count(*) from customer_lines where cancelled')"
expect "files" 219 "$(count 'select count(distinct file) from _quern_inputs')"
while IFS='|' read -r file line raw; do
  expect "raw text of $file:$line" "$(sed -n "${line}p" "$file")" "$raw"
done < <(count "select file, line, raw from _quern_quarantine order by rowid % 9973, rowid limit 20")
