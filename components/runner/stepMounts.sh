# shellcheck shell=sh
# Part of step-runtime.sh, where native compilers or a compile cluster are used. A build container gets more mounts: those that
# files beside the script describe, the toolchains of emulated compilers (toolchains.json, see emulation/dispatcher.c) and the
# cluster (cluster.json, see cluster/cluster.sh), and a pipe by which these tell of compilers that they do not know. All are below
# /dev, which is in memory and in no layer. What was told is said at the step's end, in its output, where the provider finds it
# too (receipt.ts). By the pipe the cluster's front tells of sources with warnings, too, which later steps find in a file (see
# cluster/clusterWarned.h). Whatever goes wrong here, the step runs without it. "$@" is what runc is called with.
mounts='' bundle='' previous='' warned=''
# bound FILE PLACE [OPTION]: as the runtime's specification has it.
bound() {
    printf '{"destination":"%s","type":"bind","source":"%s","options":["bind",%s"nosuid","nodev","noexec"]}' "$2" \
        "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')" "${3:+\"$3\",}"
}
for file in toolchains.json cluster.json; do
    if IFS= read -r line <"${0%/*}/$file"; then mounts=${mounts:+$mounts,}$line; fi 2>/dev/null
done
if [ -n "$mounts" ]; then
    for word; do
        case $previous in -b | --bundle) bundle=$word ;; esac
        case $word in --bundle=*) bundle=${word#*=} ;; esac
        previous=$word
    done
fi
# Of another command than `run` there is no bundle.
if [ -n "$bundle" ]; then
    pipe=$bundle/emulated
    if mkfifo -m 666 "$pipe"; then mounts="$mounts,$(bound "$pipe" /dev/.native-toolchain.emulated)"; fi 2>/dev/null
    if [ -e "${0%/*}/cluster.json" ]; then
        warned=${0%/*}/cluster.warned
        # Room for 15,000 sources; then another file, for steps that run have this one.
        if [ "$(wc -c <"$warned")" -gt 262144 ]; then rm "$warned"; fi
        : >>"$warned" && mounts="$mounts,$(bound "$warned" /dev/.compile-cluster.warned ro)"
    fi 2>/dev/null
    # After /dev itself is mounted. A quote within any text of JSON has a backslash before it: this is no such text.
    if mounts=$mounts awk '
        BEGIN { mark = "{\"destination\":\"/dev/pts\"" }
        { at = done ? 0 : index($0, mark) }
        at { $0 = substr($0, 1, at - 1) ENVIRON["mounts"] "," substr($0, at); done = 1 }
        { print }' "$bundle/config.json" >"$bundle/config.json.new" && [ -s "$bundle/config.json.new" ]; then
        mv -f "$bundle/config.json.new" "$bundle/config.json"
    fi
    if [ -p "$pipe" ]; then
        # A step may write anything there: a few short lines are enough.
        warned=$warned awk '
            $1 == "warned" {
                if (ENVIRON["warned"] != "" && length == 23 && $2 !~ /[^0-9a-f]/ && names++ < 1000) print $2 >>ENVIRON["warned"]
                next
            }
            count < 8 && length < 80 && !seen[$0]++ {
                list = sub(/^home /, "") ? "home" : "emulated"
                said[list] = said[list] (said[list] == "" ? "" : ", ") $0
                count++
            }
            END {
                if (said["emulated"] != "") print "native-buildx: no native compiler is known for " said["emulated"] ": emulated, see docs/emulation.md"
                if (said["home"] != "") print "native-buildx: the compile cluster does not know " said["home"] ": compiled at home, see docs/compile-cluster.md"
            }' \
            <"$pipe" >&2 &
        # Open for as long as runc, which becomes this process.
        exec 9>"$pipe"
    fi
fi
