# shellcheck shell=sh
# shellcheck disable=SC2154,SC2086 # connect.sh sets them; $plugin is a word or none
# Part of the connect script: the builders' records. buildx locks each change of a record, and two connects that change the
# same record write the same into it: so neither waits for the other.

# register RUNNER: in a builder of its own, which `pulumi up` uses, and in the builder of all, for people and CI.
register() {
    node=$builder-$1
    endpoint=$(cat "$work/$1.endpoint") fingerprint=$(cat "$work/$1.keys")
    eval "platform=\$platform_$1 server_name=\$server_name_$1"
    replaced=
    add "$builder-$1" || return
    # A runner that was not asked for leaves the builder of all.
    case " $by_name " in *" $1 "*) ;; *) replaced=$(runners_for "$platform") ;; esac
    add "$builder"
}

# add BUILDER: adds or updates $node, unless the record says the same already. Only then do others leave: without a node of
# its own a platform is built by another platform's, without a word.
add() {
    for patience in 1 2 4 8 16; do
        if chosen "$1" || save "$1" "$patience"; then
            drop_strangers "$1"
            # Two connects that replace each other's nodes at the same time may have dropped both.
            if served "$1"; then return; fi
        else
            mend "$1" "$patience"
        fi
    done
    return 1
}

# save BUILDER PATIENCE: buildx first saves the record, and then asks all nodes of the builder for their state, for 20 s if
# a node is asleep. That is of no use here, so buildx is ended when the record was seen saved PATIENCE times, half a second
# apart. (Not all versions know --timeout. If buildx is ended while a node answers, it takes the change back: more patience
# then.)
save() {
    create "$1" >"$work/create.log" 2>&1 &
    command=$!
    (
        seen=0
        while [ "$seen" -le "$2" ] && kill -0 "$command"; do
            sleep 0.5
            if chosen "$1"; then seen=$((seen + 1)); fi
        done
        kill "$command"
    ) >/dev/null 2>&1 &
    watchdog=$!
    wait "$command"
    result=$?
    end_watchdog "$watchdog"
    [ "$result" -eq 0 ] || registered "$1"
}

create() {
    if [ -e "$(record_of "$1")" ]; then set -- "$1" --append; fi
    set -- "$@" --node "$node" --driver remote --platform "$platform"
    if [ -n "$server_name" ]; then
        keys=$keys_folder/$node/$fingerprint
        set -- "$@" --driver-opt \
            "$(csv "cacert=$keys/ca.pem"),$(csv "cert=$keys/cert.pem"),$(csv "key=$keys/key.pem"),servername=$server_name"
    fi
    # In place of the shell, so that a signal reaches it.
    exec "$buildx" $plugin create --name "$@" "$endpoint"
}

# csv FIELD: quoted, so that commas and quotes may be in it.
csv() { printf '"%s"' "$(printf '%s' "$1" | sed 's/"/""/g')"; }

# mend BUILDER PATIENCE: after buildx refused to change its record.
mend() {
    record=$(record_of "$1") activity=$records/activity/$1
    # As a power cut or a full disk leaves them: buildx can neither read nor remove them.
    if cut_off "$record" || { [ -e "$activity" ] && ! grep -q '^[0-9-]*T[0-9:]*Z$' "$activity"; }; then
        rm -f "$record" "$activity"
        return
    fi
    case $(cat "$work/create.log") in
        *"duplicate endpoint"*)
            twin=$(nodes_of "$1" | recorded=$(in_json "$endpoint") awk -F '"' '
                /^"Name":/ && index($0, "\"Endpoint\":\"" ENVIRON["recorded"] "\"") { print $4 }')
            case $(node_text "$1" "$twin") in
                # A runner that builds two platforms. With 0 before the port it is another endpoint to buildx.
                *"/$twin/$fingerprint/ca.pem"*) endpoint=${endpoint%:*}:0${endpoint##*:} ;;
                # This runner has the address that another had before.
                *) drop "$1" "$twin" || remove "$1" ;;
            esac
            ;;
        # Another connect made or removed the record just now.
        *append*) ;;
        # Such as a builder of that name with another driver.
        *) if [ "$2" -eq 4 ]; then remove "$1"; fi ;;
    esac
}

# cut_off FILE: true if it is empty, or brackets are open at its end.
cut_off() {
    [ -e "$1" ] && ! awk '{ open += gsub(/[{[]/, "") - gsub(/[]}]/, ""); any = 1 } END { exit !any || open != 0 }' "$1"
}

# drop_strangers BUILDER: nodes that the stack does not have (any more), and those that are $replaced. One that has the
# platform belongs to a connect that came later, and drops $node.
drop_strangers() {
    for other in $(nodes_of "$1" | sed -n 's/^"Name":"\([^"]*\)","Endpoint":.*/\1/p'); do
        runner=${other#"$builder-"}
        case " $asked " in *" $runner "*) continue ;; esac
        case " $replaced " in
            *" $runner "*) if has_platform "$1" "$other"; then continue; fi ;;
            *) case " $runners " in *" $runner "*) continue ;; esac ;;
        esac
        drop "$1" "$other"
    done
}

# drop BUILDER NODE: false if the node is still there, as the last of its builder is.
drop() { "$buildx" $plugin create --leave --name "$1" --node "$2" >/dev/null 2>&1 || [ -z "$(node_text "$1" "$2")" ]; }

remove() { "$buildx" $plugin rm --keep-state --keep-daemon "$1" >/dev/null 2>&1; }

record_of() { printf '%s' "$records/instances/$1"; }

# nodes_of BUILDER: the record, with a line for each object in it.
nodes_of() { tr '{' '\n' 2>/dev/null <"$(record_of "$1")"; }

# node_text BUILDER NODE: what the record says of one node.
node_text() {
    nodes_of "$1" | awk -v begin="\"Name\":\"$2\",\"Endpoint\":" '/^"Name":/ { on = index($0, begin) == 1 } on'
}

# registered BUILDER: true if its record has $node with $endpoint and the keys of $fingerprint, or none where it takes none.
# The keys' whole path counts: a folder that was moved, or is mounted elsewhere, brings records of its old place along.
registered() {
    recorded=$(in_json "$endpoint") authority=$(in_json "$keys_folder/$node/$fingerprint/ca.pem")
    case $server_name:$(node_text "$1" "$node") in
        :*'"cacert":'*) return 1 ;;
        :*"\"Endpoint\":\"$recorded\","*) ;;
        ?*"\"Endpoint\":\"$recorded\","*"\"cacert\":\"$authority\","*"\"servername\":\"$server_name\""*) ;;
        *) return 1 ;;
    esac
}

# has_platform BUILDER NODE: true if the node builds something: buildx leaves a platform to the node that was saved last.
has_platform() { case $(node_text "$1" "$2") in *'"architecture":'*) ;; *) return 1 ;; esac; }

# chosen BUILDER: true if it builds $platform on $node, as it is now.
chosen() { has_platform "$1" "$node" && registered "$1"; }

# served BUILDER: true if it builds $platform on a runner for it.
served() {
    for runner in $(runners_for "$platform"); do
        if has_platform "$1" "$builder-$runner"; then return; fi
    done
    return 1
}

# in_json TEXT: as nodes_of has it in the records of buildx, which writes JSON.
in_json() {
    printf '%s' "$1" | sed 's/[\\"]/\\&/g; s/&/\\u0026/g; s/</\\u003c/g; s/>/\\u003e/g' | tr '{' '\n'
}

# registered_keys RUNNER: fingerprint of the keys with which the runner was registered last.
registered_keys() {
    node_text "$builder-$1" "$builder-$1" | sed -n "s|.*/$builder-$1/\([0-9-]*\)/ca\.pem\".*|\1|p"
}
