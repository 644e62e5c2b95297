#!/bin/sh
# Closes the port to callers whose time is over, and removes rules that connect would not have made: for other ports, for
# whole ranges, without a caller, or for longer than the setting says. IAM cannot keep a caller from making such rules, so
# every runner removes them. A rule is for one address, and has a tag for each of its callers: see openPort.sh.
# shellcheck disable=SC2154 # the settings come from the file `settings`
set -eu
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
# shellcheck source=/dev/null
. "$lib/instance-role.sh"

# ec2 FORM: calls EC2 with these fields of a form, and prints the answer.
ec2() {
    curl_login | curl -sS --fail-with-body -m 10 -K - --aws-sigv4 "aws:amz:$region:ec2" -d "Version=2016-11-15&$1" \
        "$ec2_endpoint/"
}

# Prints id and address range of each rule in an answer of DescribeSecurityGroupRules that has to go. A caller's clock may
# be up to five minutes fast: beyond that AWS refuses the caller.
unwanted() {
    awk -v RS='<' -v port="$port" -v now="$(date +%s)" -v longest="$((open_seconds + 300))" '
        { end = index($0, ">"); name = substr($0, 1, end - 1); text = substr($0, end + 1) }
        name == "item" && depth++ == 0 { id = protocol = from = to = range = egress = ""; wanted = 0 }
        name == "securityGroupRuleId" { id = text }
        name == "isEgress" { egress = text }
        name == "ipProtocol" { protocol = text }
        name == "fromPort" { from = text }
        name == "toPort" { to = text }
        name ~ /^cidrIpv[46]$/ { range = text }
        name == "key" { key = text }
        name == "value" && index(key, "native-buildx:caller:") == 1 && text - now > 0 && text - now <= longest { wanted = 1 }
        name == "/item" && --depth == 0 && egress == "false" {
            fits = protocol == "tcp" && from == port && to == port && (range ~ /\..*\/32$/ || range ~ /:.*\/128$/)
            if (!fits || !wanted) print id, range
        }'
}

credentials
rules=$(ec2 "Action=DescribeSecurityGroupRules&Filter.1.Name=group-id&Filter.1.Value.1=$callers_group")
printf '%s' "$rules" | unwanted | while read -r rule range; do
    # Another runner or a caller may have removed it just now.
    if answer=$(ec2 "Action=RevokeSecurityGroupIngress&GroupId=$callers_group&SecurityGroupRuleId.1=$rule"); then
        say "closed the port to ${range:-$rule}: nobody may come from there any more"
    else
        case $answer in *.NotFound*) ;; *) say "could not close the port to ${range:-$rule}: $answer" ;; esac
    fi
done
