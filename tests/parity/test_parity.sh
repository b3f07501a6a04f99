# The models of Quern beside scikit-learn's, on the same rows and the same preparation. Python and
# scikit-learn are no part of Quern: without them this is skipped. PYTHON names another interpreter.
source "$QUERN_ROOT/tests/support/cluster.sh"
python=${PYTHON:-python3}
if ! "$python" -c 'import numpy, pandas, sklearn' 2>/dev/null; then
  echo "SKIPPED: $python has no numpy, pandas and scikit-learn"
  echo "SKIPPED: the coefficients were NOT compared with scikit-learn" >&2
  exit 77
fi
cp "$QUERN_ROOT/examples/telco/quern.yaml" "$folder/telco.yaml"
"$python" "$QUERN_ROOT/tests/parity/sklearn_parity.py" "$folder"
