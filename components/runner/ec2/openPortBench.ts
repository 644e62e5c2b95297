import { readdirSync } from "node:fs";
import { fakeAws, running, WakeBench } from "./wakeEc2Bench";

/**
 * A stand-in for the AWS CLI that has a security group: `rules/ID` holds an address range, and `TAG=VALUE` lines. What file
 * `before-OPERATION` says (sh) comes first, once; `limit` says how many rules there can be, `refused` names an operation.
 */
const fakeRules = `
refuse() {
    printf '\\nAn error occurred (%s) when calling the operation: as ordered\\n' "$1" >&2
    exit 254
}
mkdir -p "$bench/rules"
if [ -e "$bench/before-$2" ]; then
    mv "$bench/before-$2" "$bench/before"
    . "$bench/before"
fi
if [ "$(cat "$bench/refused" 2>/dev/null)" = "$2" ]; then refuse UnauthorizedOperation; fi
tags_of() { grep -o 'Key=[^,]*,Value=[^]}, ]*' | sed 's/Key=//; s/,Value=/=/'; }
rule() { [ -e "$bench/rules/$1" ] || refuse InvalidSecurityGroupRuleId.NotFound; }
case $2 in
describe-security-group-rules)
    echo 'a warning of version 1'
    for file in "$bench/rules"/*; do
        [ -e "$file" ] || continue
        callers=$(sed 1d "$file" | grep ^native-buildx:caller: | paste -sd, -)
        group=$(sed -n 's/^native-buildx:group=//p' "$file")
        printf '%s\\t%s\\t%s\\t%s\\n' "\${file##*/}" "$(head -n 1 "$file")" "$callers" "\${group:-None}"
    done
    exit ;;
authorize-security-group-ingress)
    range=$(printf '%s' "$*" | sed 's/.*Cidr[^=]*=\\([^,]*\\),.*/\\1/')
    if grep -qx "$range" "$bench/rules"/* 2>/dev/null; then refuse InvalidPermission.Duplicate; fi
    if [ "$(ls "$bench/rules" | wc -l)" -ge "$(cat "$bench/limit" 2>/dev/null || echo 60)" ]; then
        refuse RulesPerSecurityGroupLimitExceeded
    fi
    number=$(($(cat "$bench/number" 2>/dev/null || echo 0) + 1))
    echo "$number" >"$bench/number"
    { echo "$range"; printf '%s\\n' "$*" | tags_of; } >"$bench/rules/sgr-made-$number"
    exit ;;
revoke-security-group-ingress)
    while [ "$1" != --security-group-rule-ids ]; do shift; done
    rule "$2"
    rm "$bench/rules/$2"
    exit ;;
create-tags | delete-tags)
    operation=$2
    while [ "$1" != --resources ]; do shift; done
    id=$2
    rule "$id"
    # As the role's policy has it.
    grep -qx native-buildx:group=sg-0a "$bench/rules/$id" || refuse UnauthorizedOperation
    while [ "$1" != --tags ]; do shift; done
    shift
    while [ $# -gt 0 ] && [ "$1" != --region ]; do
        key=\${1#Key=}
        sed -i "/^\${key%%,*}=/d" "$bench/rules/$id"
        if [ "$operation" = create-tags ]; then printf '%s\\n' "$1" | tags_of >>"$bench/rules/$id"; fi
        shift
    done
    exit ;;
esac
`;

/** wakeEc2.sh and openPort.sh with a runner that serves, and a security group for its callers. */
export class OpenPortBench extends WakeBench {
    constructor(shell: string[]) {
        super(shell);
        this.stub("aws", fakeRules + fakeAws);
        this.write("own-address", "203.0.113.77\n");
        this.write("knocks", "56\n");
        for (const instance of ["i-0a", "i-0x"]) {
            this.write(`states/${instance}`, `${running}\n`);
        }
    }

    /** Runs words of shell as a caller of this name. */
    as(
        caller: string,
        words: string,
        changes: { [variable: string]: string } = {},
        env: { [name: string]: string } = {},
    ) {
        const group = Object.fromEntries(
            ["arm64", "amd64"].flatMap((runner) => [
                [`callers_group_${runner}`, "sg-0a"],
                [`open_seconds_${runner}`, "600"],
                [`address_url_${runner}`, "https://checkip.example"],
            ]),
        );
        return this.call(words, [`caller=${caller}`], { ...group, ...changes }, env);
    }

    /** A rule that a connect has made, with seconds from now on for its callers. */
    putRule(id: string, range: string, callers: { [name: string]: number }): void {
        const now = Math.floor(Date.now() / 1000);
        const tags = Object.entries(callers).map(([name, seconds]) => `native-buildx:caller:${name}=${now + seconds}`);
        this.putForeignRule(id, range, "native-buildx:group=sg-0a", ...tags);
    }

    /** A rule that somebody else has made. */
    putForeignRule(id: string, range: string, ...tags: string[]): void {
        this.write(`rules/${id}`, [range, ...tags, ""].join("\n"));
    }

    /** The rules, and minutes that their callers have left. */
    get rules(): { [range: string]: { [caller: string]: number } } {
        return Object.fromEntries(
            readdirSync(this.path("rules")).map((id) => {
                const [range = "", ...tags] = this.read(`rules/${id}`).trim().split("\n");
                const callers = tags.flatMap((tag) => {
                    const [, name = "", until] = /^native-buildx:caller:(.*)=(\d+)$/.exec(tag) ?? [];
                    return until ? [[name, Math.round((Number(until) - Date.now() / 1000) / 60)]] : [];
                });
                return [range, Object.fromEntries(callers)];
            }),
        );
    }
}
