# Exported models in the real LightGBM and XGBoost, and LightGBM's models in Quern. They are no part
# of Quern: without them this is skipped, and says so. PYTHON names another interpreter.
set -euo pipefail
python=${PYTHON:-python3}
if ! "$python" -c 'import numpy, pandas, lightgbm' 2>/dev/null; then
  echo "SKIPPED: $python lacks numpy, pandas or lightgbm"
  echo "SKIPPED: exported models were NOT loaded by LightGBM and XGBoost" >&2
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" "$QUERN_ROOT/tests/interop/exchange.py" "$folder"
