#!/usr/bin/env bash
# Fuzzes each importer: tools/fuzz.sh [SECONDS] [NAME...]. Starts from tests/fuzz/corpus; what is found
# on the way is kept in build/fuzz/found. An input that crashes belongs in the corpus, with the fix.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-60}
shift || true

cmake --preset fuzz
cmake --build --preset fuzz
if (($# == 0)); then
  mapfile -t names < <(basename -s _fuzz.cc tests/fuzz/*_fuzz.cc)
  set -- "${names[@]}"
fi
failed=0
for name in "$@"; do
  found=build/fuzz/found/$name
  mkdir -p "$found"
  printf '%s, %d s\n' "$name" "$seconds"
  "build/fuzz/tests/fuzz/${name}_fuzz" "$found" "tests/fuzz/corpus/$name" -timeout=10 \
    -rss_limit_mb=2048 -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="build/fuzz/found/$name-" >"build/fuzz/found/$name.log" 2>&1 ||
    failed=1
  grep -E '^stat::number_of_executed_units|SUMMARY|Test unit written' "build/fuzz/found/$name.log"
done
exit "$failed"
