# Importances beside scikit-learn's permutation_importance and LightGBM's contributions. They are no part
# of Quern: without them this is skipped, and says so. PYTHON names another interpreter.
source "$QUERN_ROOT/tests/support/cluster.sh"
python=${PYTHON:-python3}
if ! "$python" -c 'import numpy, pandas, sklearn, lightgbm' 2>/dev/null; then
  echo "SKIPPED: $python has no numpy, pandas, scikit-learn and LightGBM"
  echo "SKIPPED: importances were NOT compared with scikit-learn and LightGBM" >&2
  exit 77
fi
"$python" "$QUERN_ROOT/tests/parity/importance_parity.py" "$folder"
