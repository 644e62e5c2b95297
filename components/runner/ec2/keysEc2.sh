# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034,SC2030,SC2031 # variables by computed names, and those of wakeEc2.sh; keys_ec2 is a subshell, and nothing leaves it
# Reads the keys of EC2 runners. Goes with wakeEc2.sh.

# ec2_tell_who_serves SUFFIX: which of that runner's instances was woken for runner $ec2_asked. The notes have the parameter
# with its keys.
ec2_tell_who_serves() {
    if [ -n "$tried" ]; then ec2_say "WARNING: stand-in $ec2_type serves: tried${tried%,}"; fi
    if [ -z "${notes:-}" ]; then return; fi
    printf '%s\n' "$parameter" >"$notes"
    if [ "$1$tried" != "$ec2_asked" ]; then echo "served by $ec2_type of $1" >>"$notes"; fi
}

# keys_ec2 SUFFIX: prints the keys for clients of the instance that was woken. It publishes them before it opens its port.
keys_ec2() (
    export AWS_PAGER=
    ec2_suffix=$1 ec2_instance=
    eval "region=\${region_$1} parameter=\${keys_parameter_$1}"
    if [ -n "${notes:-}" ] && [ -s "$notes" ]; then parameter=$(sed 1q "$notes"); fi
    if answer=$(aws ssm get-parameter --region "$region" --name "$parameter" --with-decryption \
        --query Parameter.Value --output text </dev/null 2>&1); then
        printf '%s\n' "$answer" | sed -n '/^-----BEGIN /,/^-----END /p' | grep . || return 75
        return 0
    fi
    ec2_error
    case $code in
        # Somebody deleted it: the runner makes it again.
        ParameterNotFound | ThrottlingException | InternalServerError | ServiceUnavailable) return 75 ;;
        AccessDenied*) ec2_say "its keys may not be read: ssm:GetParameter on $parameter is needed, and kms:Decrypt where kmsKeyArn is set: $(ec2_last_line)" ;;
        *) ec2_say "its keys cannot be read from parameter $parameter: $(ec2_last_line)" ;;
    esac
    return 1
)
