#!/bin/sh
# Plays the docker command for an example of the pages: `docker run` as the example calls it, and everything else as
# the next docker on PATH does it. A container's image is always the same: busybox, docker and buildx, as in docker:cli,
# and no daemon, no bash, no tool of this machine besides. Root only. NEXT_PATH is PATH without this folder.
set -eu

# inside ROOT VOLUMES [NAME=VALUE]... COMMAND...: in namespaces of its own.
if [ "${1:-}" = inside ]; then
    root=$2 volumes=$3
    shift 3
    mount -t tmpfs container "$root"
    mkdir -p "$root/bin" "$root/proc" "$root/dev" "$root/etc" "$root/tmp" "$root/root"
    # As docker does with the host's network.
    cp /etc/hosts "$root/etc/hosts"
    busybox=$(command -v busybox)
    cp "$busybox" "$root/bin/busybox"
    for library in $(ldd "$busybox" 2>/dev/null | grep -o '/[^ ]*'); do
        mkdir -p "$root$(dirname "$library")"
        cp "$library" "$root$library"
    done
    cp "$TOOLS/bin/buildx" "$TOOLS/docker-buildx-only" "$root/bin"
    mv "$root/bin/docker-buildx-only" "$root/bin/docker"
    chroot "$root" /bin/busybox --install -s /bin
    mount -t proc proc "$root/proc"
    : >"$root/dev/null"
    mount --bind /dev/null "$root/dev/null"
    printf '%s\n' "$volumes" | while IFS=: read -r outside in options; do
        mkdir -p "$root$in"
        mount --bind "$outside" "$root$in"
        case $options in ro) mount -o remount,bind,ro "$root$in" ;; esac
    done
    exec chroot "$root" /bin/env -i PATH=/bin HOME=/root "$@"
fi

if [ "${1:-}" != run ]; then
    PATH=$NEXT_PATH
    exec docker "$@"
fi
shift
volumes='' variables=''
while [ $# -gt 0 ]; do
    case $1 in
        --rm) shift ;;
        --network)
            [ "$2" = host ] || exit 64
            shift 2
            ;;
        --volume)
            volumes="$volumes${volumes:+
}$2"
            shift 2
            ;;
        --env)
            variables="$variables $2"
            shift 2
            ;;
        docker:cli)
            shift
            break
            ;;
        *)
            echo "docker run: no $1 in this test" >&2
            exit 64
            ;;
    esac
done
root=$(mktemp -d)
trap 'rmdir "$root"' EXIT
# shellcheck disable=SC2086 # NAME=VALUE without spaces
unshare --mount --pid --ipc --uts --fork --kill-child sh "$0" inside "$root" "$volumes" $variables "$@"
