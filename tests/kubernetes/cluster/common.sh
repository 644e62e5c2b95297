# shellcheck shell=sh
# What the control plane and the nodes have in common: see cluster.sh. /mnt/cluster is the cluster's folder.

until_true() { # SECONDS COMMAND...
    tries=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        if [ "$tries" -lt 0 ]; then return 1; fi
        sleep 0.1
    done
}

# A part of the cluster, in the background. It is started again if it ends, as a machine's service manager does, but not
# while file off/NAME is there. log/NAME is what it says.
run() { # NAME COMMAND...
    part=$1
    shift
    (
        while :; do
            "$@" >>"/mnt/cluster/log/$part" 2>&1 || true
            sleep 1
            while [ -e "/mnt/cluster/off/$part" ]; do sleep 0.2; done
        done
    ) &
}
