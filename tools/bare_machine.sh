#!/usr/bin/env bash
# Runs ./quickstart or ./check (named without ./) as on a machine with nothing but Debian 12's smallest
# base: tools/bare_machine.sh quickstart. Needs root and debootstrap. The commit is checked out into a
# chroot below FASTPATH_BARE (build/bare), with this user's ccache folder mounted so that it need not take
# an hour; the log is build/logs/bare-NAME.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
name=$1
machine=${FASTPATH_BARE:-$PWD/build/bare}
log=build/logs/bare-$name.log
mkdir -p build/logs

if [[ ! -x $machine/usr/bin/apt-get ]]; then
  debootstrap --variant=minbase bookworm "$machine"
fi
rm -rf "$machine/fastpath"
mkdir "$machine/fastpath"
git archive HEAD | tar -x -C "$machine/fastpath"
cp /etc/resolv.conf "$machine/etc/"
mountpoint -q "$machine/proc" || mount -t proc proc "$machine/proc"
mkdir -p "$HOME/.cache/ccache" "$machine/root/.cache/ccache"
mount --bind "$HOME/.cache/ccache" "$machine/root/.cache/ccache"
trap 'umount "$machine/proc" "$machine/root/.cache/ccache"' EXIT

start=$SECONDS
code=0
chroot "$machine" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
  "/fastpath/$name" 2>&1 | tee "$log" || code=$?
printf 'exit %d after %d s\n' "$code" $((SECONDS - start)) | tee -a "$log"
exit "$code"
