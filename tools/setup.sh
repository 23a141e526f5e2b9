#!/usr/bin/env bash
# Shared by ./quickstart and ./check (bash, sourced): packages, numbered steps with their times, builds.

readonly root=$PWD
readonly jobs=$(nproc)
readonly logs=$root/build/logs
# With this, ccache serves a checkout in any folder from what another one compiled.
export CCACHE_BASEDIR=$root

readonly packages_to_build=(g++ cmake ninja-build ccache libfmt-dev libexpected-dev
  nlohmann-json3-dev libyaml-cpp-dev libtoml11-dev libonnx-dev libprotobuf-dev libcli11-dev
  libeigen3-dev libsqlite3-dev libsimdjson-dev zlib1g-dev libzstd-dev liburing-dev libdnnl-dev
  libturbojpeg0-dev libpng-dev)
readonly packages_to_check=(python3 libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev
  libonnx-testdata clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev dpkg-dev file
  libopenmpi-dev openmpi-bin)

step_number=0
step_count=0 # set by the script that sources this

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# step TITLE COMMAND...: runs the command with its output in a log, and tells how long it took. When
# it fails, its last lines are shown and the script ends.
step() {
  local title=$1 start=$SECONDS code
  shift
  step_number=$((step_number + 1))
  local log
  log=$logs/${0##*/}-$step_number.log
  mkdir -p "$logs"
  printf '[%d/%d] %-34s ' "$step_number" "$step_count" "$title ..."
  set +e
  (
    set -e
    "$@"
  ) >"$log" 2>&1 </dev/null
  code=$?
  set -e
  if ((code != 0)); then
    printf 'failed after %d s\n\n' $((SECONDS - start))
    tail -n 100 "$log"
    printf '\nThe whole log: %s\n' "$log"
    exit 1
  fi
  printf '%5d s\n' $((SECONDS - start))
}

# Prints those of the named packages that are not installed.
missing_packages() {
  local name
  for name in "$@"; do
    # One word per architecture: "installed", or "not-installed" and others.
    dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed ||
      printf '%s\n' "$name"
  done
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

install_packages() {
  local missing
  command -v dpkg-query >/dev/null ||
    die "this is not Debian: install what corresponds to: $*"
  mapfile -t missing < <(missing_packages "$@")
  if ((${#missing[@]} == 0)); then
    return
  fi
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    die "neither root nor sudo: have these packages installed: ${missing[*]}"
  fi
  # Another apt may be at work on a fresh machine: wait for it rather than fail.
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qy)
  as_root dpkg --configure -a # mends an installation that was interrupted
  as_root "${apt[@]}" update
  as_root "${apt[@]}" install --no-install-recommends "${missing[@]}"
}

# ONNX Runtime's shared library for `fastpath run`, from npm into build/runtime: no script of the
# package runs.
install_runtime() {
  local package=sherpa-onnx-linux-x64@1.13.8 folder=$root/build/runtime
  local library=$folder/node_modules/sherpa-onnx-linux-x64/libonnxruntime.so
  if [[ -e $library ]]; then
    return
  fi
  if [[ $(uname -m) != x86_64 ]]; then
    echo "no such package for $(uname -m): name a library of your own with --runtime"
    return
  fi
  command -v npm >/dev/null || install_packages npm
  mkdir -p "$folder"
  npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --no-save "$package"
  [[ -e $library ]] || die "the package $package has no libonnxruntime.so"
}

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  cmake --preset "$preset"
  cmake --build --preset "$preset" -j "$jobs" ${1:+--target "$@"}
}

trap 'printf "\nInterrupted. Run it again to go on from here.\n" >&2; exit 130' INT TERM

# By itself: `tools/setup.sh runtime` installs ONNX Runtime.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -euo pipefail
  [[ ${1-} == runtime ]] || die "usage: tools/setup.sh runtime"
  install_runtime
fi
