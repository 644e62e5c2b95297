# shellcheck shell=sh
# shellcheck disable=SC2154 # connect.sh sets them
# Part of the connect script: keeps several of them on one machine from each other's files and records.

# locked COMMAND...: one process at a time.
locked() {
    lock=$certificates.locked tries=0
    until take "$lock"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 600 ]; then
            owner=$(owner_of "$lock") || fail "connect: cannot make the link $lock"
            fail "connect: $lock has been held for a minute by process $owner. If that is no connect: rm $lock"
        fi
        sleep 0.1
    done
    "$@"
    result=$?
    rm -f "$lock"
    return "$result"
}

# take LOCK: true if it is this process's now. If its owner is gone it is removed, and can be taken the next time.
#
# A lock is a symbolic link to the number of its owner, so it is there with its owner in one step. (It leads nowhere: no
# builder is called by a number.) Of several who see that an owner is gone only one may remove the lock, or a slow one
# would remove the next owner's. So the right to remove it is a lock too, LOCK.OWNER: whoever has that and looks again
# is the only one to change LOCK. If that one ends half-way, its lock is removed in the same manner.
take() {
    if ln -s "$$" "$1" 2>/dev/null; then return; fi
    set -- "$1" "$(owner_of "$1")"
    if is_gone "$2" && take "$1.$2"; then
        if [ "$(owner_of "$1")" = "$2" ] && is_gone "$2"; then rm -f "$1"; fi
        rm -f "$1.$2"
    fi
    return 1
}

owner_of() { readlink "$1" 2>/dev/null; }

# is_gone OWNER: this process, which has no lock when it asks for one, can have the number of one that is gone.
is_gone() { [ -n "$1" ] && { [ "$1" = "$$" ] || ! kill -0 "$1" 2>/dev/null; }; }
