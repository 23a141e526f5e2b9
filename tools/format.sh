#!/usr/bin/env bash
# Formats our C++ files; with --check only says which are not formatted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
options=(-i)
if [[ ${1:-} == --check ]]; then
  options=(--dry-run -Werror)
fi
shopt -s globstar nullglob
files=({include,src,tests,bench}/**/*.{h,cc})
printf '%s\0' "${files[@]}" | xargs -0 -n 32 -P "$(nproc)" clang-format-14 "${options[@]}"
