#!/bin/sh
# runc, for a runner's BuildKit: where the file toolchain.json lies beside this script, a build container gets one mount
# more, the toolchain of emulated compilers (see dispatcher.c). It is read-only, and below /dev, which is in memory and in
# no layer. Whatever goes wrong here, the step runs without it.
mount=''
if [ -r "${0%/*}/toolchain.json" ]; then IFS= read -r mount <"${0%/*}/toolchain.json"; fi
if [ -n "$mount" ]; then
    bundle='' previous=''
    for word; do
        case $previous in -b | --bundle) bundle=$word ;; esac
        case $word in --bundle=*) bundle=${word#*=} ;; esac
        previous=$word
    done
    # After /dev itself is mounted. A quote within any text of JSON has a backslash before it: this is no such text.
    if [ -n "$bundle" ] && mount=$mount awk '
        BEGIN { mark = "{\"destination\":\"/dev/pts\"" }
        { at = done ? 0 : index($0, mark) }
        at { $0 = substr($0, 1, at - 1) ENVIRON["mount"] "," substr($0, at); done = 1 }
        { print }' "$bundle/config.json" >"$bundle/config.json.new" && [ -s "$bundle/config.json.new" ]; then
        mv -f "$bundle/config.json.new" "$bundle/config.json"
    fi
fi
exec runc "$@"
