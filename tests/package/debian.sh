#!/usr/bin/env bash
# Builds the Debian package and looks into it: debian.sh SOURCES BUILD SCRATCH
set -euo pipefail
sources=$1 build=$2 scratch=$3

fail() {
  printf 'debian.sh: %s\n' "$*" >&2
  exit 1
}

rm -rf "$scratch"
mkdir -p "$scratch"
cpack --config "$build/CPackConfig.cmake" -G DEB -B "$scratch" >"$scratch/cpack.log" 2>&1 ||
  fail "cpack failed: $(cat "$scratch/cpack.log")"
package=$(find "$scratch" -maxdepth 1 -name '*.deb')
[[ -n $package ]] || fail 'cpack made no package'

wanted=(usr/bin/fastpath usr/include/fastpath/fastpath.h usr/share/doc/fastpath/copyright
  'usr/lib/.*libfastpath.a' 'usr/lib/.*cmake/fastpath/fastpathConfig.cmake'
  usr/share/bash-completion/completions/fastpath usr/share/man/man1/fastpath.1)
if [[ -d $sources/catalog/measurements ]]; then
  wanted+=('usr/share/fastpath/measurements/.*')
fi
contents=$(dpkg-deb --contents "$package")
for file in "${wanted[@]}"; do
  grep -qE "\./$file\$" <<<"$contents" || fail "no $file in the package:"$'\n'"$contents"
done
# A package owns files, not the build's folders or another package's headers.
if grep -vE ' \./(usr/((bin|include|lib|share)(/.*)?)?)?$' <<<"$contents"; then
  fail 'files in unexpected folders (above)'
fi

depends=$(dpkg-deb --field "$package" Depends)
for library in libc6 libfmt libonnx libyaml-cpp libprotobuf; do
  [[ $depends == *$library* ]] || fail "$library is not among the dependencies: $depends"
done

dpkg-deb --extract "$package" "$scratch/root"
"$scratch/root/usr/bin/fastpath" --version
