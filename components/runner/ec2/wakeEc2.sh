# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034,SC2030,SC2031 # variables by computed names, and those of keysEc2.sh; wake_ec2 is a subshell, and nothing leaves it
# Wakes EC2 runners, from a laptop or a CI job that has the AWS CLI (version 1 or 2). Their keys: keysEc2.sh.
#
# Variables, each with the runner's suffix (`instance_arm64`):
#     instance       id of the runner's instance
#     instance_type  its type, for messages
#     keys_parameter name of the parameter with the keys of its present start; a stand-in appends its type
#     fallbacks      `ID:TYPE`s of its stand-ins, in the order in which they are tried when EC2 has no capacity
#     emulate_on     suffix of the runner that emulates this platform when none of them can start; empty: fail instead
#     region, port
#     address        `public` or `private`: which of an instance's addresses is used
#     callers_group, open_seconds, address_url   see openPort.sh

# wake_ec2 SUFFIX: brings that runner to serving; prints its endpoint.
wake_ec2() (
    # The AWS CLI may not open a pager.
    export AWS_PAGER=
    ec2_suffix=$1 ec2_asked=$1
    if ! command -v aws >/dev/null; then
        ec2_say "the AWS command line (aws, version 1 or 2) is needed to wake it and was not found. Install it: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
        return 1
    fi
    ec2_wake_native "$1" && return
    # 2: none of its machines can be had. Any other trouble was reported, and emulation would hide it.
    [ $? -eq 2 ] || return 1

    eval "emulate_on=\${emulate_on_$1}"
    if [ -z "$emulate_on" ]; then
        ec2_say "no capacity: tried$tried. Try again later, or give the platform other fallbackInstanceTypes, or emulateOn"
        return 1
    fi
    ec2_say "WARNING: no capacity: tried$tried."
    ec2_say "WARNING: $1 will be EMULATED on the $emulate_on runner. That is many times slower."
    # Without the runner that emulates that platform in turn: it may be this runner.
    ec2_wake_native "$emulate_on" && return
    [ $? -ne 2 ] || ec2_say "nor can the $emulate_on runner emulate it: tried$tried"
    return 1
)

# Prints progress and errors, for the person who waits.
ec2_say() { printf '%s runner%s: %s\n' "$ec2_suffix" "${ec2_instance:+ $ec2_instance}" "$*" >&2; }

# ec2_wake_native SUFFIX: its instance, else its stand-ins. Status 2, and `tried`, when EC2 has no capacity for any, or they
# are gone.
ec2_wake_native() {
    ec2_suffix=$1
    eval "elsewhere=\${fallbacks_$1}\${emulate_on_$1} candidates=\"\${instance_$1}:\${instance_type_$1} \${fallbacks_$1}\" keys_parameter=\${keys_parameter_$1} region=\${region_$1} port=\${port_$1} address=\${address_$1}"
    ec2_open "$1" || return 1
    tried='' parameter=$keys_parameter
    for candidate in $candidates; do
        ec2_instance=${candidate%%:*} ec2_type=${candidate#*:}
        if [ -n "$tried" ]; then
            ec2_say "trying this stand-in, $ec2_type, which has a cache of its own"
            parameter=$keys_parameter-$ec2_type
        fi
        ec2_bring_up && ec2_tell_who_serves "$1" && return
        status=$?
        # Only an instance that cannot be had leads to another, which would repeat or hide any other trouble.
        [ "$status" -eq 2 ] || return "$status"
        tried="$tried $ec2_type ($ec2_instance$gone),"
    done
    ec2_instance=
    tried=${tried%,}
    return 2
}

# The AWS CLI on $ec2_instance; what it says goes to $answer, its errors too.
ec2_call() {
    answer=$(aws ec2 "$@" --region "$region" --instance-ids "$ec2_instance" --output text </dev/null 2>&1)
}

# Sets state, public, private and reason.
ec2_describe() {
    ec2_call describe-instances --query \
        'Reservations[0].Instances[0].[State.Name,PublicIpAddress,PrivateIpAddress,StateReason.Code,StateReason.Message]' ||
        return 1
    # The last line: CLI version 1 may have printed warnings before it.
    answer=$(printf '%s\n' "$answer" | tail -n 1)
    IFS='	' read -r state public private code reason <<END
$answer
END
    [ "$reason" != None ] || reason=$code
}

# Sets code: AWS's name of the error in $answer.
ec2_error() { code=$(printf '%s\n' "$answer" | sed -n 's/.*An error occurred (\([A-Za-z.]*\)).*/\1/p' | head -n 1); }

# Status 2 where something else may serve in its place, as after a replacement that failed for want of capacity.
ec2_gone() {
    ec2_say "$1. If somebody deleted it: pulumi up --refresh makes a new one"
    gone=', gone'
    [ -z "$elsewhere" ] || return 2
    return 1
}

# Status 0: serving, endpoint printed. 2: no capacity, or gone. 1: reported.
ec2_bring_up() {
    began=$(date +%s)
    limit=${NATIVE_BUILDX_WAKE_TIMEOUT:-600}
    started=       # when we started it
    starts=0       # how often
    before=        # the StateReason it had then
    silent=0       # knocks in a row that got no answer at all
    told=          # that this may be our address's fault
    said=          # the last progress message
    trouble=0      # failed calls in a row
    gone=          # that it does not exist any more
    while :; do
        if ec2_is_late; then return 1; fi
        if ! ec2_describe; then
            ec2_error
            case $code in InvalidInstanceID.*) ec2_gone "does not exist in $region" || return ;; esac
            if ec2_keeps_failing; then return 1; fi
            sleep 2
            continue
        fi
        trouble=0
        case $state in
            running) ec2_wait_for_port && return ;;
            pending) ec2_progress 'starting' ;;
            stopping) ec2_progress 'is stopping, starting it again after that' ;;
            stopped)
                ec2_start
                status=$?
                [ "$status" -eq 0 ] || return "$status"
                ;;
            terminated | shutting-down) ec2_gone "is $state" || return ;;
            *) ec2_gone "does not exist in $region" || return ;;
        esac
        sleep 1
    done
}

# True, and said, when its time to serve is over.
ec2_is_late() {
    elapsed=$(($(date +%s) - began))
    if [ "$elapsed" -lt "$limit" ]; then return 1; fi
    if [ "$silent" -ge 3 ]; then
        ec2_say "does not serve after $elapsed s: $(ec2_silence)"
    else
        ec2_say "does not serve after $elapsed s (state ${state:-unknown}). $(ec2_log)"
    fi
}

# True, and said, when asking for its state again will not mend the error $code, which $answer tells of.
ec2_keeps_failing() {
    case $code in
        # As long as there is time.
        RequestLimitExceeded)
            ec2_give_way
            return 1
            ;;
        InternalError | Unavailable | ServiceUnavailable | '') trouble=$((trouble + 1)) ;;
        *) trouble=99 ;;
    esac
    # An error without a name: no network, or no credentials, which waiting does not mend.
    case $answer in *redentials* | *"onfig profile"* | *"expired"*) trouble=99 ;; esac
    if [ "$trouble" -lt 5 ]; then return 1; fi
    ec2_say "cannot ask for its state: $(ec2_last_line)"
}

# AWS answers a few calls of an account a second. Others ask for theirs too, and not all of them may come back at once.
ec2_give_way() {
    ec2_progress 'waiting: AWS has more calls than it answers'
    sleep $((1 + $$ % 4))
}

# Where to read why.
ec2_log() { echo "What it says: aws ec2 get-console-output --latest --output text --region $region --instance-id $ec2_instance"; }

ec2_last_line() { printf '%s\n' "$answer" | grep -v '^ *$' | tail -n 1; }

# Each message once.
ec2_progress() {
    [ "$1" = "$said" ] || ec2_say "$1 ..."
    said=$1
}

# State `stopped`: starts the instance, unless it was started just now and has stopped again. If it has powered itself off,
# it may have served and become idle before this machine saw it: it is started once more.
ec2_start() {
    if [ -n "$started" ]; then
        # The answers of describe-instances are seconds late: an old answer proves nothing.
        if [ "$reason" = "$before" ] && [ $(($(date +%s) - started)) -lt 20 ]; then return 0; fi
        case $code in
            *Insufficient*Capacity*)
                ec2_say "no capacity for $ec2_type: $reason"
                return 2
                ;;
        esac
        if [ "$code" != Client.InstanceInitiatedShutdown ] || [ "$starts" -eq 2 ]; then
            # What EC2 says where it may not use the key of a volume.
            case $code in
                Client.InternalError)
                    reason="$reason. Whoever starts it may have no kms:CreateGrant for the key of its volumes: set kmsKeyArn to that key, as to the account's default key for EBS"
                    ;;
            esac
            ec2_say "was started and stopped again: $reason. $(ec2_log)"
            return 1
        fi
        ec2_say "has stopped itself: starting it once more"
    fi
    before=$reason
    if ec2_call start-instances --query 'StartingInstances[0].CurrentState.Name'; then
        started=$(date +%s) starts=$((starts + 1)) silent=0
        ec2_progress 'starting'
        return 0
    fi
    ec2_error
    case $code in
        # Not stopped yet, or not any more: the next look tells.
        IncorrectInstanceState) return 0 ;;
        # Somebody else may have started it meanwhile.
        RequestLimitExceeded | InternalError | Unavailable | ServiceUnavailable)
            ec2_give_way
            return 0
            ;;
        InsufficientInstanceCapacity | InsufficientHostCapacity | InsufficientCapacity | InstanceLimitExceeded | VcpuLimitExceeded)
            ec2_say "no capacity for $ec2_type: $(ec2_last_line)"
            return 2
            ;;
    esac
    ec2_say "cannot be started: $(ec2_last_line)"
    return 1
}

# State `running`: prints the endpoint when its port is open. False after a few tries, so that its state is looked at again:
# if the port stays closed, the runner may be about to stop.
ec2_wait_for_port() {
    eval "host=\$$address"
    if [ "$host" = None ] || [ -z "$host" ]; then
        # Just after a start it may not have one yet.
        if [ "$elapsed" -ge 60 ]; then
            ec2_say "is running and has no $address address. Give its subnet public addresses, or set usePrivateAddress"
            exit 1
        fi
        return 1
    fi
    ec2_keep_open || exit 1
    for try in 1 2 3 4 5 6; do
        ec2_knock
        case $? in
            0)
                if [ -n "$said" ]; then ec2_say "serving after $(($(date +%s) - began)) s"; fi
                printf 'tcp://%s:%s\n' "$host" "$port"
                return 0
                ;;
            2)
                silent=$((silent + 1))
                # Two seconds each.
                if [ "$try" -ge 3 ]; then break; fi
                ;;
            *) silent=0 ;;
        esac
        [ "$try" -eq 6 ] || sleep 0.5
    done
    # A machine that was just started is silent until it has a network, which takes longer than three knocks of two
    # seconds.
    if [ "$silent" -ge 9 ] || { [ "$silent" -ge 3 ] && [ -z "$started" ]; }; then
        if [ -z "$told" ]; then
            # Another caller behind the same address may have closed the port just when this caller came.
            ec2_open "$ec2_suffix" || exit 1
            ec2_say "$(ec2_silence) Waiting on ..."
        fi
        told=yes
    else
        ec2_progress 'running, waiting until it serves'
    fi
    return 1
}

# A runner that does not serve yet refuses to connect; security groups and firewalls say nothing.
ec2_silence() {
    own=
    # For a private address the caller's public address is of no use, and asking for it may be forbidden.
    if [ "$address" = public ]; then own=$(ec2_own_address); fi
    if [ -n "$callers_group" ]; then
        echo "no answer at all from $host:$port, which is open to $own for now: does it see you come from another address? Then set NATIVE_BUILDX_CALLER_ADDRESS to that."
    else
        echo "no answer at all from $host:$port: is your address${own:+, $own,} in allowedCidrs?"
    fi
}

# As knock, by the AWS CLI where there is no curl: it says whether it could connect.
ec2_knock() {
    if command -v curl >/dev/null; then
        knock "$host:$port" 2
        return
    fi
    answer=$(NO_PROXY='*' no_proxy='*' AWS_MAX_ATTEMPTS=1 aws sts get-caller-identity --region "$region" --no-sign-request \
        --no-verify-ssl --endpoint-url "https://$host:$port" --cli-connect-timeout 3 --cli-read-timeout 3 </dev/null 2>&1)
    case $answer in
        *"onnect timeout"*) return 2 ;;
        *"ould not connect"*) return 1 ;;
    esac
}
