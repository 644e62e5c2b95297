# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034,SC2030,SC2031 # variables by computed names, and those of wakeEc2.sh; done_ec2 is a subshell
# Lets this caller in, for a time: a part of wakeEc2.sh, where setting openForCallerMinutes is not 0.
#
# A rule of the security group $callers_group is for one address. Callers behind one address share it: each has a tag,
# native-buildx:caller:NAME, whose value is the end of its time (seconds since 1970). Tags change one by one, so callers do
# not overwrite each other; the last caller removes the rule. If it does not come to that, the runners do
# (machine/callers.sh), or the next caller.
#
# Variables, each with the runner's suffix:
#     callers_group  id of the security group; empty: nothing is opened
#     open_seconds   for how long
#     address_url    answers with the caller's address

# ec2_open SUFFIX: tries until the port is open. Others may change the rule between our look and our change: then we look
# again.
ec2_open() {
    eval "callers_group=\${callers_group_$1} open_seconds=\${open_seconds_$1} address_url=\${address_url_$1}"
    if [ -z "$callers_group" ]; then return; fi
    own=$(ec2_own_address)
    case $own in
        '')
            if command -v curl >/dev/null; then instead=; else instead=', or install curl, which asks over IPv4'; fi
            ec2_say "the port cannot be opened: $address_url, asked without a proxy as the runner is, does not say which IPv4 address this machine has. Set NATIVE_BUILDX_CALLER_ADDRESS to it$instead"
            return 1
            ;;
        *:*) range=$own/128 ranges="Ipv6Ranges=[{CidrIpv6=$own/128,Description=connect}]" ;;
        *) range=$own/32 ranges="IpRanges=[{CidrIp=$own/32,Description=connect}]" ;;
    esac
    for pause in 0 0 0 1 2 4 0; do
        if ec2_read_callers && ec2_close_expired && ec2_let_in; then
            opened=$(date +%s)
            return
        fi
        ec2_error
        case $code in
            *.NotFound | *.Duplicate | RequestLimitExceeded | InternalError | Unavailable | ServiceUnavailable) sleep "$pause" ;;
            *) break ;;
        esac
    done
    case $code in
        RulesPerSecurityGroupLimitExceeded) ec2_say "the port cannot be opened to $own: security group $callers_group has as many rules as it can, each of a caller who is still let in. Let jobs run \`connect --done\` at their end, make openForCallerMinutes less, or name addresses that many jobs come from in allowedCidrs" ;;
        TagLimitExceeded) ec2_say "the port cannot be opened: too many callers come from $own at once. Name it in allowedCidrs" ;;
        *) ec2_say "the port cannot be opened to $own, in security group $callers_group: $(ec2_last_line)" ;;
    esac
    return 1
}

# ec2_keep_open: opens the port again in time, if the runner takes long to serve.
ec2_keep_open() {
    if [ -n "$callers_group" ] && [ $(($(date +%s) - opened)) -ge $((open_seconds / 2)) ]; then ec2_open "$ec2_suffix"; fi
}

# done_ec2 SUFFIX: removes this caller's tags, and the rules that have no caller then.
done_ec2() (
    export AWS_PAGER=
    ec2_suffix=$1 ec2_instance=
    eval "callers_group=\${callers_group_$1} region=\${region_$1}"
    if [ -z "$callers_group" ]; then return; fi
    ec2_read_callers || ec2_not_closed || return
    mine=$(ec2_rules mine)
    if [ -z "$mine" ]; then return; fi
    # shellcheck disable=SC2086 # ids
    ec2_caller delete-tags --resources $mine --tags "Key=native-buildx:caller:$caller" || ec2_gone_already || ec2_not_closed || return
    ec2_read_callers || ec2_not_closed || return
    for rule in $(ec2_rules unused); do
        if printf '%s\n' "$mine" | grep -qxF "$rule"; then
            ec2_close "$rule" || ec2_gone_already || ec2_not_closed || return
        fi
    done
)

ec2_gone_already() {
    ec2_error
    case $code in *.NotFound) ;; *) return 1 ;; esac
}

ec2_not_closed() {
    ec2_say "the port could not be closed to this caller, and closes by itself in time: $(ec2_last_line)"
    return 1
}

ec2_ipv4='([0-9]{1,3}\.){3}[0-9]{1,3}'

# ec2_own_address: prints the address from which a runner sees this machine: not that of a proxy, which is for the web
# only, and of version 4, as the runners' addresses are.
ec2_own_address() {
    if [ -n "${NATIVE_BUILDX_CALLER_ADDRESS:-}" ]; then
        printf '%s\n' "$NATIVE_BUILDX_CALLER_ADDRESS" | tr 'A-F' 'a-f' | grep -Ex "$ec2_ipv4|[0-9a-f]*:[0-9a-f:.]*:[0-9a-f.]*"
    elif command -v curl >/dev/null; then
        curl -fsS4 --noproxy '*' --max-time 5 "$address_url" </dev/null 2>/dev/null | grep -Ex "$ec2_ipv4"
    else
        (
            unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
            # That of BusyBox cannot choose, and may be told the address of version 6.
            case $(wget --help 2>&1 </dev/null) in *--inet4-only*) version=-4 ;; *) version= ;; esac
            # Not with wget's own -T: it crashes the BusyBox of Debian 12.
            timeout 5 wget $version -q -O - "$address_url" </dev/null 2>/dev/null
        ) | grep -Ex "$ec2_ipv4"
    fi
}

# The AWS CLI, about rules; what it says goes to $answer, its errors too.
ec2_caller() { answer=$(aws ec2 "$@" --region "$region" --output text </dev/null 2>&1); }

# ec2_read_callers: sets $callers, a line for each rule: its id, its address range, NAME=UNTIL of its callers with commas
# between, and the group that connect has named in it.
ec2_read_callers() {
    # shellcheck disable=SC2016 # the backquotes belong to the query
    ec2_caller describe-security-group-rules --filters "Name=group-id,Values=$callers_group" --query \
        'SecurityGroupRules[?!IsEgress].[SecurityGroupRuleId, CidrIpv4 || CidrIpv6, join(`","`, (Tags || `[]`)[?starts_with(Key, `"native-buildx:caller:"`)].join(`"="`, [Key, Value])), (Tags || `[]`)[?Key==`"native-buildx:group"`].Value | [0]]' ||
        return
    callers=$(printf '%s\n' "$answer" | sed -n 's/native-buildx:caller://g; /^sgr-/p')
}

# ec2_rules WHICH: ids of rules: `here`, for $range, made by a connect; `foreign`, for $range, made by somebody else; `mine`,
# with this caller; `unused`, without a caller who still has time; `expired`, for other ranges, with callers whose time is
# over. Or `late`: names of the callers of the rule `here` whose time is over. Others' clocks may be five minutes slow.
ec2_rules() {
    printf '%s\n' "$callers" | awk -F '\t' -v which="$1" -v here="${range:-}" -v mine="$caller" -v group="$callers_group" -v now="$(date +%s)" '
        $1 == "" { next }
        {
            count = split($3, tags, ",")
            used = is_mine = 0
            for (i = 1; i <= count; i++) {
                split(tags[i], tag, "=")
                if (tag[1] == mine) is_mine = 1
                if (tag[2] + 300 > now) used = 1
                else if (which == "late" && $2 == here) print tag[1]
            }
        }
        which == "here" && $2 == here && $4 == group { print $1 }
        which == "foreign" && $2 == here && $4 != group { print $1 }
        which == "mine" && is_mine { print $1 }
        which == "unused" && !used { print $1 }
        which == "expired" && !used && count > 0 && $2 != here { print $1 }'
}

# ec2_close RULE...
ec2_close() { ec2_caller revoke-security-group-ingress --group-id "$callers_group" --security-group-rule-ids "$@"; }

# ec2_close_expired: removes rules of others whose time is over, and those for $range that no connect has made: there can be
# no other beside them, a role cannot name its caller in them, and the runners remove them. Those of other ranges are left
# to the runners.
ec2_close_expired() {
    for rule in $(ec2_rules expired) $(ec2_rules foreign); do
        ec2_close "$rule" || ec2_gone_already || return
    done
}

# ec2_let_in: makes the rule of $range with this caller's tag, or adds the tag.
ec2_let_in() {
    tag="Key=native-buildx:caller:$caller,Value=$(($(date +%s) + open_seconds))"
    rule=$(ec2_rules here)
    if [ -z "$rule" ]; then
        ec2_caller authorize-security-group-ingress --group-id "$callers_group" --ip-permissions \
            "IpProtocol=tcp,FromPort=$port,ToPort=$port,$ranges" \
            --tag-specifications "ResourceType=security-group-rule,Tags=[{Key=native-buildx:group,Value=$callers_group},{$tag}]"
        return
    fi
    late=
    for name in $(ec2_rules late); do late="$late Key=native-buildx:caller:$name"; done
    # shellcheck disable=SC2086 # words
    if [ -n "$late" ]; then ec2_caller delete-tags --resources "$rule" --tags $late || return; fi
    ec2_caller create-tags --resources "$rule" --tags "$tag"
}
