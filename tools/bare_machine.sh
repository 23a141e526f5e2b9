#!/usr/bin/env bash
# Runs ./quickstart or ./check (named without ./) as on a machine with nothing but Debian 12's smallest
# base: tools/bare_machine.sh quickstart. Needs root and debootstrap. The commit is checked out into a
# chroot below FASTPATH_BARE (build/bare); the log is build/logs/bare-NAME.log. FASTPATH_BARE_CACHE is
# the ccache folder it compiles with (this user's); an empty one tells the time from nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
name=$1
machine=${FASTPATH_BARE:-$PWD/build/bare}
cache=${FASTPATH_BARE_CACHE:-$HOME/.cache/ccache}
log=build/logs/bare-$name.log
mkdir -p build/logs

if [[ ! -x $machine/usr/bin/apt-get ]]; then
  debootstrap --variant=minbase bookworm "$machine"
fi
rm -rf "$machine/fastpath"
mkdir "$machine/fastpath"
git archive HEAD | tar -x -C "$machine/fastpath"
# How this machine reaches and trusts its registries.
cp /etc/resolv.conf "$machine/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$machine/etc/registries.crt"
mountpoint -q "$machine/proc" || mount -t proc proc "$machine/proc"
mkdir -p "$cache" "$machine/root/.cache/ccache"
mount --bind "$cache" "$machine/root/.cache/ccache"
trap 'umount "$machine/proc" "$machine/root/.cache/ccache"' EXIT

start=$SECONDS
code=0
chroot "$machine" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
  NODE_EXTRA_CA_CERTS=/etc/registries.crt \
  "/fastpath/$name" 2>&1 | tee "$log" || code=$?
printf 'exit %d after %d s\n' "$code" $((SECONDS - start)) | tee -a "$log"
exit "$code"
