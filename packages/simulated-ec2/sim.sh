#!/bin/sh
# The simulated EC2 (test equipment, see README.md).
#   sim.sh run      in the foreground, until Ctrl-C
#   sim.sh start    in the background
#   sim.sh stop     ends it and everything in it
#   sim.sh env      prints the environment to use it with: eval "$(packages/simulated-ec2/sim.sh env)"
#   sim.sh shell INSTANCE [COMMAND]   runs a command in a machine
#   sim.sh console INSTANCE           prints a machine's console
# SIM_SLOT (0 to 15) keeps several simulations on one machine apart.
set -eu

here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
slot=${SIM_SLOT:-0}
name=simec2-$slot
cache=${SIM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/simulated-ec2}
state=${SIM_STATE:-$cache/slot-$slot}
control=http://127.0.0.1:$((4566 + slot))/simulation

say() {
    echo "sim: $*" >&2
}

# What a simulation that was killed could not remove itself. Its namespaces and mounts the kernel has removed.
clean() {
    ip link delete "$name" 2>/dev/null || true
    losetup --list --noheadings --output NAME,BACK-FILE 2>/dev/null | while read -r device file _; do
        case $file in "$state"/volumes/*) losetup --detach "$device" ;; esac
    done
    if grep -q "^# $name begin$" /etc/hosts; then
        # In place: /etc/hosts may be a mount point.
        kept=$(sed "/^# $name begin\$/,/^# $name end\$/d" /etc/hosts)
        printf '%s\n' "$kept" >/etc/hosts
    fi
    # The simulation's own, and what its machines registered: in names with the machines' ids.
    for entry in "$name" $(cat "$state"/instances/*/disk/etc/machine-id 2>/dev/null | sed -n 's/^[0-9a-f]\{32\}$/*&*/p'); do
        for registration in /proc/sys/fs/binfmt_misc/$entry; do
            if [ -e "$registration" ]; then echo -1 >"$registration"; fi
        done
    done
    for groups in "/sys/fs/cgroup/unified/$name" "/sys/fs/cgroup/memory/$name" "/sys/fs/cgroup/$name"; do
        if [ -d "$groups" ]; then
            find "$groups" -depth -type d -exec rmdir {} \; 2>/dev/null || true
        fi
    done
    rm -rf "$state"
}

# Pulumi's side: a PULUMI_HOME of the simulation, whose `aws` plugin is provider/.
install_plugin() {
    mkdir -p "$state/stacks" "$state/trust"
    cp "$cache/ca/ca.pem" "$state/trust/"
    command -v node >/dev/null || return 0
    # Of the version that the programs' @pulumi/aws asks for. `pulumi plugin install` would do the same in a second.
    version=$(sed -n 's|.*"@pulumi/aws": "\(.*\)".*|\1|p' "$here/package.json")
    plugin=$state/pulumi/plugins/resource-aws-v$version
    mkdir -p "$plugin"
    modules=$(cd "$here" && node -p 'require("path").join(require.resolve("esbuild/package.json"), "../..")') || { say "esbuild is missing: npm install"; exit 1; }
    # In one file, without what it does not use of AWS's SDK: each command of Pulumi's starts it.
    "$modules/.bin/esbuild" "$here/provider/main.ts" --log-level=warning --bundle --platform=node --main-fields=module,main \
        '--external:@pulumi/*' '--external:@grpc/*' --outfile="$plugin/provider.js" || { say "the provider cannot be made"; exit 1; }
    cat >"$plugin/pulumi-resource-aws" <<END
#!/bin/sh
NODE_PATH="$modules" exec node "$plugin/provider.js" "\$@"
END
    chmod +x "$plugin/pulumi-resource-aws"
}

is_up() {
    [ -e "$state/pid" ] && kill -0 "$(cat "$state/pid")" 2>/dev/null
}

# Replaces this process by the simulation, in mount and process namespaces of its own: when its first process ends,
# the kernel ends and removes everything in them.
become() {
    made=$("$here/prepare.sh")
    eval "$made"
    mkdir -p "$state"
    echo $$ >"$state/pid"
    install_plugin
    # Else every start of one compiles moto and the AWS command line again, most of its processor time.
    unset PYTHONDONTWRITEBYTECODE
    # shellcheck disable=SC2016,SC2154 # expanded by the inner shell; set by prepare.sh
    PYTHONPATH=$here PYTHONPYCACHEPREFIX=$cache/pycache exec unshare --mount --pid --fork --kill-child --mount-proc sh -c '
        mkdir -p /run/netns /run/systemd/nspawn
        mount -t tmpfs netns /run/netns && mount -t tmpfs nspawn /run/systemd/nspawn || exit 1
        trap : INT TERM
        "$@" &
        child=$!
        while kill -0 "$child" 2>/dev/null; do wait "$child" || :; done' \
        sh "$venv/bin/python" -m simulation \
        --slot "$slot" --state "$state" --cache "$cache" --template "$template" --clients "$venv/client"
}

print_env() {
    python3 - "$state/environment.json" <<'END'
import json, shlex, sys
environment = json.load(open(sys.argv[1]))
for name, value in environment.items():
    print(f"export {name}={shlex.quote(value)}")
print(f'export PATH="$PATH":{shlex.quote(environment["SIM_CLIENTS"])}')
END
}

post() {
    python3 - "$control/$1" "${2:-}" <<'END'
import json, sys, urllib.request
body = json.dumps({"command": sys.argv[2], "timeout": 600}).encode() if sys.argv[2] else b""
request = urllib.request.Request(sys.argv[1], data=body or None, method="POST")
with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=620) as answer:
    result = json.load(answer)
sys.stdout.write(result.get("stdout", ""))
sys.stderr.write(result.get("stderr", ""))
sys.exit(result.get("status", 0))
END
}

case ${1:-} in
    run)
        is_up && { say "already running: $control"; exit 1; }
        clean
        (
            # The parent's process becomes the simulation: it may also fail to.
            while [ ! -e "$state/environment.json" ]; do
                kill -0 $$ 2>/dev/null || exit 0
                sleep 0.2
            done
            say "up. In another terminal: eval \"\$($0 env)\""
            print_env >&2
        ) &
        become
        ;;
    start)
        is_up && { say "already running: $control"; exit 0; }
        clean
        mkdir -p "$state"
        setsid "$0" become >"$state/log" 2>&1 </dev/null &
        child=$!
        while [ ! -e "$state/environment.json" ]; do
            kill -0 "$child" 2>/dev/null || { cat "$state/log" >&2; say "did not start"; clean; exit 1; }
            sleep 0.1
        done
        say "up: $control"
        ;;
    become) become ;;
    env) print_env ;;
    shell) post "instances/$2/execute" "${3:-uptime}" ;;
    console) cat "$state/instances/$2/console.log" ;;
    stop)
        if is_up; then
            pid=$(cat "$state/pid")
            post stop 2>/dev/null || true
            waited=0
            while kill -0 "$pid" 2>/dev/null; do
                waited=$((waited + 1))
                if [ "$waited" -gt 300 ]; then
                    say "does not end by itself, so it is killed"
                    kill -9 "$pid"
                fi
                sleep 0.1
            done
        fi
        clean
        ;;
    *)
        sed -n '2,/^set/{/^#/s/^# \{0,1\}//p;}' "$0" >&2
        exit 2
        ;;
esac
