# Boosted trees of Quern beside LightGBM's, on the same folds with equal parameters. Python and
# LightGBM are no part of Quern: without them this is skipped. PYTHON names another interpreter.
source "$QUERN_ROOT/tests/support/cluster.sh"
python=${PYTHON:-python3}
if ! "$python" -c 'import numpy, pandas, sklearn, lightgbm' 2>/dev/null; then
  echo "SKIPPED: $python has no numpy, pandas, scikit-learn and LightGBM"
  echo "SKIPPED: boosted trees were NOT compared with LightGBM" >&2
  exit 77
fi
"$python" "$QUERN_ROOT/tests/parity/boosting_parity.py" "$folder" ${QUERN_PARITY_ROWS:-}
