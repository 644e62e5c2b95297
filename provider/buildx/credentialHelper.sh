#!/bin/sh
# A docker credential program in front of one of the user's: `docker-credential-native-buildx-NAME` calls
# `docker-credential-NAME`. Where that is missing or fails there are no credentials, and public images can still be
# pulled; what it said is kept beside this program, for the message of a build that fails for the lack of them.
name=${0##*/docker-credential-native-buildx-}
folder=${0%/*}
registry=$(cat)
if answer=$(printf '%s' "$registry" | "docker-credential-$name" "$@" 2>"$folder/said.$$"); then
    printf '%s\n' "$answer"
    exit 0
fi
none='credentials not found in native keychain'
if [ "$answer" != "$none" ]; then
    printf 'docker-credential-%s for %s: %s\n' "$name" "$registry" "${answer:-$(cat "$folder/said.$$")}" >>"$folder/failed"
fi
# This text, and not the status, is what docker takes for "none".
echo "$none"
exit 1
