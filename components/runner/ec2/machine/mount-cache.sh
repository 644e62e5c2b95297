#!/bin/sh
# Mounts the cache volume, at every start. The volume is recognized by its id, and formatted only when it is blank: a
# volume that holds anything is never formatted.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
# shellcheck source=/dev/null
. "${0%/*}/common.sh"

mkdir -p "$cache_directory"
# A stand-in runner has no volume of its own: its cache lives on its root disk.
[ -n "$cache_device" ] || exit 0
if mountpoint -q "$cache_directory"; then exit 0; fi

device=
begin=$(now)
announced=
while :; do
    # shellcheck disable=SC2086 # may be a pattern
    for candidate in $cache_device; do
        [ ! -b "$candidate" ] || device=$candidate
    done
    [ -z "$device" ] || break
    waited=$(($(now) - begin))
    [ "$waited" -lt "$cache_wait_seconds" ] ||
        fail "the cache volume did not appear as $cache_device within $waited s: is it attached? Nothing was formatted, this runner will not serve"
    if [ "$waited" -ge 10 ] && [ -z "$announced" ]; then
        announced=yes
        say "waiting for the cache volume $cache_device"
    fi
    sleep 0.5 2>/dev/null || sleep 1
done

status=0
kind=$(blkid -p -s TYPE -o value "$device") || status=$?
if [ "$status" -eq 2 ]; then
    # blkid recognizes nothing on it. It is blank only if its first MiB holds nothing but zeros.
    [ "$(head -c 1048576 "$device" | tr -d '\000' | wc -c)" -eq 0 ] ||
        fail "the cache volume $device holds something that is not a file system: not formatted. Empty it or replace it"
    say "formatting the new cache volume $device"
    mkfs.ext4 -q -m 0 -L native-buildx -E lazy_itable_init=1,lazy_journal_init=1 "$device"
elif [ "$status" -ne 0 ] || [ "$kind" != ext4 ]; then
    fail "the cache volume $device holds ${kind:-something unreadable} (blkid status $status), not our ext4: not formatted. Empty it or replace it"
else
    # After a power cut this replays the journal; and a volume that has grown is used as a whole.
    e2fsck -p "$device" >/dev/null || [ $? -le 1 ] || say "the cache volume $device has errors: mounting it nevertheless"
    resize2fs "$device" >/dev/null 2>&1 || true
fi
mount -o noatime,nodiratime "$device" "$cache_directory"
