# The report in a real browser, in light and in dark, wide and as narrow as a phone: in the colours asked
# for, nothing beyond its place, no two texts over each other. One start of the browser for all of it.
# QUERN_SHOTS keeps the pictures there, to be looked at.
source "$QUERN_ROOT/tests/support/cluster.sh"
browser=
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null && browser=$name && break
done
if [[ -z $browser ]]; then
  echo "SKIPPED: no chromium here, so nobody has seen the report in a browser"
  exit 77
fi
if ! python3 -c '' 2>/dev/null; then
  echo "SKIPPED: no python3 here to talk to the browser"
  exit 77
fi
cd "$folder"
"$QUERN" init . --quiet
sed -i 's/min: 0.75/vs: champion/' quern.yaml
"$QUERN" run quern.yaml --workers 2 --quiet
sed -i 's/seed: 42/seed: 43/' quern.yaml # a challenger beside the champion
"$QUERN" run quern.yaml --workers 2 --quiet
"$QUERN" report --out page.html --quiet
python3 "$QUERN_ROOT/tests/golden/report_browser.py" "$browser" "$folder" page.html
if [[ -n ${QUERN_SHOTS:-} ]]; then cp page.html ./*.png "$QUERN_SHOTS"; fi
