#!/usr/bin/env bash
# Remake docs/images/report.png, a part of the demo's report, and docs/images/claim.png, the printed sheet of a claim.
# Needs chromium and pdftoppm.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/roundel demo --case "$work/case" --quiet
.venv/bin/roundel report "$work/case" --previews clear --quiet
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1100,3400 \
  --screenshot="$work/page.png" "file://$work/case/report/index.html" 2>/dev/null
.venv/bin/python - "$work/page.png" docs/images/report.png <<'PY'
import sys
import cv2
page = cv2.imread(sys.argv[1])
part = cv2.resize(page[1654:2924, 30:1070], None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
cv2.imwrite(sys.argv[2], part, [cv2.IMWRITE_PNG_COMPRESSION, 9])
PY
.venv/bin/roundel claims check examples/tabqa_2014/claims.yaml --page "$work/claims.html" --quiet >"$work/said"
chromium --headless --no-sandbox --disable-gpu --no-pdf-header-footer --print-to-pdf="$work/claims.pdf" \
  "file://$work/claims.html" 2>/dev/null
pdftoppm -f 2 -l 2 -r 110 -png -singlefile "$work/claims.pdf" docs/images/claim
