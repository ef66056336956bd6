#!/bin/sh
# Install Roundel from the lock files into a new environment; nothing is resolved and nothing unpinned is fetched.
#
#   deploy/install.sh TARGET [cpu|cuda]
#
# cpu takes the CPU build of torch where pip's configuration offers one (gigabytes less), else the CUDA build. cuda
# also puts the GPU build of ONNX Runtime in the place of the other one. Run it from the root of the checkout.
set -eu
target=$1
accelerator=${2:-cpu}
case $accelerator in
  cpu | cuda) ;;
  *) echo "install: $accelerator is neither cpu nor cuda" >&2; exit 2 ;;
esac

python3 -m venv --clear "$target"
python=$target/bin/python
pip() { "$python" -m pip --disable-pip-version-check "$@"; }
locked() { pip install --no-deps --require-hashes --only-binary :all: "$@"; }

if [ "$accelerator" = cpu ]; then
  cpu_torch=$(mktemp)
  awk '/^[^ ]/ { torch = sub(/^torch==[^ ]+/, "&+cpu") } torch' requirements.lock >"$cpu_torch"
  locked -r "$cpu_torch" || echo "install: pip is offered no CPU build of torch; taking the CUDA build" >&2
  rm -f "$cpu_torch"
fi
locked -r requirements.lock
if ! "$python" -c 'import importlib.metadata as m, sys; sys.exit("+cpu" not in m.version("torch"))'; then
  locked -r requirements-cuda.lock
fi
if [ "$accelerator" = cuda ]; then
  pip uninstall --yes onnxruntime
  locked -r requirements-gpu.lock
fi
# The build tools are among what was installed: no build isolation, hence nothing more is fetched.
pip install --no-deps --no-build-isolation .
