#!/usr/bin/env bash
# Make .venv from the lock files, and install the system programs that pip cannot bring. `make setup` calls this, and
# so does every other target: when nothing has changed it ends in a fraction of a second.
#
#   PYTHON=/path/to/python3.12 make setup     take that Python instead of looking for one
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
python=$venv/bin/python
# Two stamps: a changed lock file needs a new environment, a changed pyproject.toml only a new editable install.
locked_stamp=$venv/locked.stamp
project_stamp=$venv/project.stamp

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# ---- System packages -------------------------------------------------------------------------------------------------

package_manager() {
  local name
  for name in apt-get dnf pacman zypper brew; do
    if command -v "$name" >/dev/null; then echo "$name"; return; fi
  done
}

# What each package manager calls a thing that is missing.
package_for() {
  case "$1:$2" in
    apt-get:ffmpeg | pacman:ffmpeg | brew:ffmpeg | zypper:ffmpeg) echo ffmpeg ;;
    dnf:ffmpeg) echo ffmpeg-free ;; # Fedora's own build; `ffmpeg` is in a third-party repository
    apt-get:libGL.so.1) echo libgl1 ;;
    dnf:libGL.so.1) echo mesa-libGL ;;
    pacman:libGL.so.1) echo libglvnd ;;
    zypper:libGL.so.1) echo Mesa-libGL1 ;;
    apt-get:libgthread-2.0.so.0) echo libglib2.0-0 ;; # newer releases keep this name as an alias
    dnf:libgthread-2.0.so.0) echo glib2 ;;
    pacman:libgthread-2.0.so.0) echo glib2 ;;
    zypper:libgthread-2.0.so.0) echo libgthread-2_0-0 ;;
    apt-get:libxcb.so.1) echo libxcb1 ;;
    dnf:libxcb.so.1 | pacman:libxcb.so.1) echo libxcb ;;
    zypper:libxcb.so.1) echo libxcb1 ;;
    apt-get:venv) echo "python$3-venv" ;;
    apt-get:tesseract) echo tesseract-ocr ;;
    *:tesseract) echo tesseract ;;
    apt-get:tesseract-*) echo "tesseract-ocr-${2#tesseract-}" ;;
    dnf:tesseract-*) echo "tesseract-langpack-${2#tesseract-}" ;;
    pacman:tesseract-*) echo "tesseract-data-${2#tesseract-}" ;;
    zypper:tesseract-*) echo "tesseract-ocr-traineddata-$(language_name "${2#tesseract-}")" ;;
    brew:tesseract-*) echo tesseract-lang ;; # all languages in one package
    *) echo "a package with $2" ;;
  esac
}

language_name() {
  case "$1" in
    eng) echo english ;; rus) echo russian ;; ukr) echo ukrainian ;; ara) echo arabic ;; fas) echo persian ;;
  esac
}

# install_packages MANAGER PACKAGE…: as root, or by sudo without a password; else say what to type.
install_packages() {
  local manager=$1 sudo=() command
  shift
  case $manager in
    apt-get) command=(apt-get install -y --no-install-recommends) ;;
    dnf) command=(dnf install -y) ;;
    pacman) command=(pacman -S --needed --noconfirm) ;;
    zypper) command=(zypper --non-interactive install) ;;
    brew) command=(brew install) ;;
    *) die "this system lacks: $*. No known package manager was found; please install them and run this again." ;;
  esac
  if [ "$manager" != brew ] && [ "$(id -u)" != 0 ]; then
    sudo=(sudo)
    if ! sudo -n true 2>/dev/null; then
      die "this system lacks: $*. Please type:  sudo ${command[*]} $*  and run this again."
    fi
  fi
  say "installing with $manager: $*"
  # Package lists may be absent (containers) or old; a failure here shows in the next line if it matters.
  if [ "$manager" = apt-get ]; then ${sudo[@]+"${sudo[@]}"} apt-get update -q || true; fi
  if ! DEBIAN_FRONTEND=noninteractive ${sudo[@]+"${sudo[@]}"} "${command[@]}" "$@"; then
    die "that failed. Please install by hand: $*, and run this again."
  fi
}

# The programs and shared libraries that are missing, one a line. OpenCV's wheel links the three libraries at import,
# although Roundel opens no window.
missing_from_system() {
  local program
  for program in ffmpeg ffprobe; do
    command -v "$program" >/dev/null || echo ffmpeg
  done | uniq
  "$1" - <<'PYTHON'
import ctypes, sys
for library in ("libGL.so.1", "libgthread-2.0.so.0", "libxcb.so.1") if sys.platform == "linux" else ():
    try:
        ctypes.CDLL(library)
    except OSError:
        print(library)
PYTHON
}

install_system_packages() {
  local manager missing packages=() thing
  missing=$(missing_from_system "$1")
  [ -n "$missing" ] || return 0
  manager=$(package_manager)
  for thing in $missing; do packages+=("$(package_for "$manager" "$thing" '')"); done
  install_packages "$manager" "${packages[@]}"
  missing=$(missing_from_system "$1" | tr '\n' ' ')
  [ -z "$missing" ] || die "still missing after the installation: $missing"
}

# Tesseract and the languages that Roundel reads, as far as they are missing, one a line.
missing_for_text() {
  local language present=''
  if command -v tesseract >/dev/null; then present=$(tesseract --list-langs 2>&1); else echo tesseract; fi
  for language in eng rus ukr ara fas; do
    grep -qx "$language" <<<"$present" || echo "tesseract-$language"
  done
}

# Writing is optional: where Tesseract cannot be installed, one line says so and the rest goes on. Tried once for each
# environment, not at every call.
install_text_packages() {
  local manager missing thing package packages=()
  missing=$(missing_for_text)
  [ -n "$missing" ] || return 0
  manager=$(package_manager)
  for thing in $missing; do
    package=$(package_for "$manager" "$thing" '')
    case " ${packages[*]-} " in *" $package "*) ;; *) packages+=("$package") ;; esac
  done
  (install_packages "$manager" "${packages[@]}") || true
  missing=$(missing_for_text | tr '\n' ' ')
  [ -z "$missing" ] || say "writing on objects will not be read, or not in every language; missing: $missing"
}

# ---- Python ----------------------------------------------------------------------------------------------------------

# The first Python that the lock is made for. Each is run, because a name on PATH may be a version manager's stub.
find_python() {
  local name
  for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
    if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  die "no Python 3.11, 3.12 or 3.13 among: ${PYTHON:-python3, python3.13, python3.12, python3.11}." \
    "Please install one (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.12)," \
    "or name it: PYTHON=/path/to/python3.12 make setup"
}

# Debian keeps ensurepip, without which no environment gets a pip, in a package of its own.
need_ensurepip() {
  local manager version
  if "$1" -c 'import ensurepip, venv' 2>/dev/null; then return; fi
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  manager=$(package_manager)
  if [ "$manager" = apt-get ]; then install_packages "$manager" "$(package_for "$manager" venv "$version")"; fi
  "$1" -c 'import ensurepip, venv' 2>/dev/null ||
    die "$1 has no ensurepip, so it cannot make environments. Please install Python's venv package for it," \
      "or name another: PYTHON=/path/to/python3.12 make setup"
}

# One line for each stamp: the hash of what it depends on. Printed by the Python that is asked about.
fingerprints() {
  "$1" - <<'PYTHON'
import hashlib, pathlib, sys
def digest(*names):
    parts = [sys.version, sys.prefix, *(pathlib.Path(name).read_text() for name in names)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
print(digest("requirements.lock", "requirements-cuda.lock", "tools/setup.sh"))
print(digest("pyproject.toml"))
PYTHON
}

# Wheels only, so that no build step fetches anything; versions and hashes come from the lock, so nothing is resolved.
pip_install() {
  local quiet=()
  [ -t 2 ] || quiet=(-qq) # errors only
  "$python" -m pip install --disable-pip-version-check --no-deps ${quiet[@]+"${quiet[@]}"} "$@"
}

# The CPU build of torch, where pip's configuration offers one: gigabytes less than the CUDA build. Without this step
# pip takes the CUDA build, because it prefers a file whose hash its index announces, and a plain folder announces none.
install_cpu_torch() {
  local output
  if output=$(awk '/^[^ ]/ { torch = sub(/^torch==[^ ]+/, "&+cpu") } torch' requirements.lock |
    pip_install --require-hashes --only-binary :all: -r /dev/stdin 2>&1); then return; fi
  case $output in
    *"No matching distribution"*) say "pip is offered no CPU build of torch; the CUDA build will do" ;;
    *) die "the CPU build of torch could not be installed: $output" ;;
  esac
}

make_environment() {
  local found
  found=$(find_python)
  case $("$found" -c 'import sysconfig; print(sysconfig.get_config_var("HOST_GNU_TYPE"))') in
    *musl*) die "torch and OpenVINO offer no wheels for musl (Alpine); please use a system with glibc." ;;
  esac
  need_ensurepip "$found"
  install_system_packages "$found"
  install_text_packages
  say "making $venv with $("$found" --version) ($found)"
  rm -f "$locked_stamp" "$project_stamp"
  "$found" -m venv --clear "$venv"
  say "installing requirements.lock (some minutes the first time)"
  install_cpu_torch
  pip_install --require-hashes --only-binary :all: -r requirements.lock
  if ! "$python" -c 'import importlib.metadata as m, sys; sys.exit("+cpu" not in m.version("torch"))'; then
    say "this torch is a CUDA build: installing requirements-cuda.lock too (gigabytes on Linux, nothing elsewhere)"
    pip_install --require-hashes --only-binary :all: -r requirements-cuda.lock
  fi
}

# ---- The two steps, each only when its stamp is out of date ----------------------------------------------------------

stamped() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

locked='' project=''
read_fingerprints() { { read -r locked; read -r project; } < <(fingerprints "$python"); }

if [ -x "$python" ]; then read_fingerprints 2>/dev/null || true; fi
if [ -z "$locked" ] || ! stamped "$locked_stamp" "$locked"; then
  make_environment
  read_fingerprints
  echo "$locked" >"$locked_stamp"
else
  install_system_packages "$python"
fi
if ! stamped "$project_stamp" "$project"; then
  # hatchling and editables come from the lock: no build isolation, hence nothing unpinned is fetched.
  pip_install --no-build-isolation --editable .
  "$python" -m pip --disable-pip-version-check check >&2 || die "the environment is inconsistent (see above)"
  echo "$project" >"$project_stamp"
  say "ready: $venv"
fi
