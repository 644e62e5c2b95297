#!/bin/sh
# The local registry, the embedded default for ECR, in a folder of its own. The wake script puts this file, daemon.sh,
# keys.sh, collectGarbage.sh, registry.yml and settings.sh there. With the folder as working directory:
#
#     sh registry.sh start    bring it to serving
#     sh registry.sh stop     end it
#
# Its authority stays in the folder as long as its images do, so that a copy in /etc/docker/certs.d stays valid; its own
# certificate is new at every start.
set -eu
umask 077
# shellcheck source=components/localMachine/daemon.sh
. ./daemon.sh
# To the registry, a person's REGISTRY_... would be settings.
forget_identity
export OTEL_TRACES_EXPORTER=none
host='' trust_file='' untagged_days=''
# Sets these, and PATH as it was when the registry was last woken.
# shellcheck source=/dev/null
. ./settings.sh

say() { printf '%s\n' "registry: $*" >&2; }

alive() { runs "registry serve"; }

end() {
    if ! alive; then return; fi
    kill -TERM "$(cat pid)"
    waited=0
    while alive; do
        if [ "$waited" -eq 50 ]; then kill -KILL "$(cat pid)"; fi
        sleep 0.1
        waited=$((waited + 1))
    done
}

# moves: true if it serves at another address than the one that is wanted.
moves() { alive && [ "$(address wanted)" != "$(address running)" ]; }

address() { grep -E '^# |^ *addr:' "$1"; }

# builds_run: true if a runner beside it builds, which is to push to the address of before.
builds_run() (
    for script in ../*/runner.sh; do
        if (cd "${script%/*}" && sh runner.sh builds) 2>/dev/null; then return 0; fi
    done
    return 1
)

# due: true if no garbage was collected for a day.
due() { [ -z "$(find garbage.log -mtime -1 2>/dev/null)" ]; }

# nobody_connected: true if no client can be in the middle of a push. Clients stay connected between two requests.
nobody_connected() {
    port=$(sed -n 's/^ *addr: .*://p' running)
    ! grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$port") [0-9A-F]+:[0-9A-F]+ 01 " /proc/net/tcp
}

# Its children hold the lock too: nothing may serve while a collection runs.
collect() {
    : >garbage.log
    if [ ! -d data/docker/registry/v2/repositories ]; then return; fi
    before=$(du -sk data | cut -f 1)
    if ! sh collectGarbage.sh "$untagged_days" >>garbage.log 2>&1; then
        say "could not collect its garbage; the end of $PWD/garbage.log:"
        tail -n 3 garbage.log >&2
    elif removed=$(grep -c '@sha256:' garbage.log); then
        freed=$(((before - $(du -sk data | cut -f 1)) / 1024))
        say "removed $removed manifests that had no tag for $untagged_days days, $freed MB: $PWD/garbage.log"
    fi
}

start() {
    for program in registry openssl; do
        if ! command -v "$program" >/dev/null; then
            say "program $program is missing. Run tools/setup.sh in the project's folder; it installs it or says how."
            exit 1
        fi
    done
    exec 9>lock
    # Also for as long as garbage is collected.
    flock -w 600 9
    echo "# $host" | cat registry.yml - >wanted
    if alive && cmp -s wanted running && cmp -s authority/ca.pem "$trust_file"; then
        if ! due || ! nobody_connected; then return; fi
    fi
    if moves && builds_run; then
        say "localPort, registryHost: a build runs that pushes to its address of before. Try again when that is done, or set them back."
        exit 1
    fi
    end
    if due; then collect; fi
    make_server_keys tls authority "$host"
    mkdir -p "$(dirname "$trust_file")"
    cp authority/ca.pem "$trust_file.new"
    mv "$trust_file.new" "$trust_file"
    mv wanted running
    : >log
    start_daemon registry serve registry.yml
    waited=0
    # It writes one line when its port is open.
    until grep -q "listening on" log && alive; do
        if [ "$waited" -eq 100 ] || ! kill -0 "$daemon" 2>/dev/null; then
            say "did not start; the end of $PWD/log:"
            tail -n 3 log >&2
            end
            exit 1
        fi
        sleep 0.1
        waited=$((waited + 1))
    done
}

stop() {
    exec 9>lock
    flock -w 60 9 || true
    end
    rm -f pid
}

# shellcheck source=components/runner/keys.sh
. ./keys.sh
case ${1:-} in
    start | stop) "$1" ;;
    *)
        say "usage: sh registry.sh start|stop"
        exit 2
        ;;
esac
