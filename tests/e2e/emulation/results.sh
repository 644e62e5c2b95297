# shellcheck shell=sh
# Part of the scripts beside it: what came of a command. /out/results has a line for each, its exit status and the mark of
# x.o; /out/said has what it said.

mkdir -p /out/objects /tmp/w
cd /tmp/w || exit

# mark OBJECT: the revision of the compiler that made it, which is not the same of an original and of its twin.
mark() { readelf -p .comment "$1" | sed -n 's/.*GCC: (Debian \([^)]*\)).*/\1/p' | head -n 1; }

# result NAME COMMAND...
result() {
    name=$1
    shift
    rm -f x.o
    status=0
    "$@" >said 2>&1 </dev/null || status=$?
    printf '%s %s %s\n' "$name" "$status" "$([ ! -e x.o ] || mark x.o)" >>/out/results
    # Names of temporary files are never the same.
    { echo "== $name" && sed 's|/tmp/cc[A-Za-z0-9]*|/tmp/cc|g' said; } >>/out/said
}

# as_nobody COMMAND...: without any right.
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all "$@"; }

printf '#include <stdio.h>\n#include <math.h>\nint f(int n) { char a[n]; a[0] = n; printf("%%s", a); return sqrt(n); }\n' >a.c
# shellcheck disable=SC2034 # those scripts use it
own=$(gcc -print-prog-name=cc1)
