# The report in a real browser, in light and in dark: it is drawn in the colours asked for, and not
# blank. QUERN_SHOTS keeps the pictures there, to be looked at.
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
  echo "SKIPPED: no python3 here to look at the browser's pictures"
  exit 77
fi
cd "$folder"
"$QUERN" init . --quiet
"$QUERN" run quern.yaml --workers 2 --quiet
"$QUERN" report --out page.html --quiet
see() { # colours (1 light, 0 dark), picture
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars \
    --user-data-dir="$folder/browser" --window-size=1240,6000 \
    --blink-settings=preferredColorScheme="$1" --screenshot="$folder/$2" \
    "file://$folder/page.html" >browser.log 2>&1 || { cat browser.log; exit 1; }
}
see 1 light.png
see 0 dark.png
if [[ -n ${QUERN_SHOTS:-} ]]; then cp page.html light.png dark.png "$QUERN_SHOTS"; fi
python3 - <<'CHECK'
import struct, zlib
def pixels(path):
    """Rows of RGB of an 8-bit PNG without interlace."""
    data, at, packed = open(path, "rb").read(), 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
            assert depth == 8 and colour in (2, 6) and interlace == 0, (depth, colour)
        elif kind == b"IDAT":
            packed += body
        at += size + 12
    n, raw = (3 if colour == 2 else 4), zlib.decompress(packed)
    before, rows = bytearray(width * n), []
    for y in range(height):
        begin = y * (width * n + 1)
        kind, row = raw[begin], bytearray(raw[begin + 1:begin + 1 + width * n])
        for i in range(len(row) if kind else 0):
            a, b = row[i - n] if i >= n else 0, before[i]
            c = before[i - n] if i >= n else 0
            p = a + b - c
            guess = {1: a, 2: b, 3: (a + b) // 2,
                     4: min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]}[kind]
            row[i] = (row[i] + guess) & 255
        rows.append([tuple(row[i:i + 3]) for i in range(0, len(row), n)])
        before = row
    return rows
def close(a, b):
    return all(abs(x - y) <= 2 for x, y in zip(a, b))
for path, paper, line in (("light.png", (255, 255, 255), (11, 99, 197)),
                          ("dark.png", (18, 22, 28), (108, 176, 255))):
    rows = pixels(path)[::3]
    seen = {}
    for row in rows:
        for pixel in row:
            seen[pixel] = seen.get(pixel, 0) + 1
    most = max(seen, key=seen.get)
    assert close(most, paper), f"{path}: the paper is {most}, not {paper}"
    curves = sum(n for pixel, n in seen.items() if close(pixel, line))
    assert curves > 500, f"{path}: only {curves} pixels have the colour of curves"
CHECK
