/**
 * A stand-in for the AWS CLI. `states/ID` holds one line for each answer of describe-instances, the last of which is
 * repeated: STATE PUBLIC PRIVATE CODE MESSAGE. `starts/ID` holds one line for each start: `ok`, or an error's name.
 */
export const fakeAws = `
next() {
    line=$(head -n 1 "$1")
    if [ "$(wc -l <"$1")" -gt 1 ]; then sed -i 1d "$1"; fi
}
fail() {
    printf '\\nAn error occurred (%s) when calling the %s operation: %s\\n' "$1" "$2" "$3" >&2
    exit 254
}
id= operation=$2
case $1 in sts) operation=knock ;; esac
while [ $# -gt 0 ]; do
    case $1 in --instance-ids) id=$2 ;; esac
    shift
done
case $operation in
describe-instances)
    [ -e "$bench/states/$id" ] || fail InvalidInstanceID.NotFound DescribeInstances "The instance ID '$id' does not exist"
    next "$bench/states/$id"
    case $line in
    error:*) fail "\${line#error:}" DescribeInstances 'as ordered' ;;
    esac
    printf '%s\\n' "$line" | tr ' ' '\\t' | tr _ ' '
    ;;
start-instances)
    next "$bench/starts/$id"
    case $line in
    ok) echo pending ;;
    *) fail "$line" StartInstances 'as ordered' ;;
    esac
    ;;
get-parameter)
    case $(cat "$bench/parameter") in
    error:*) fail "$(sed s/error:// "$bench/parameter")" GetParameter 'as ordered' ;;
    esac
    cat "$bench/parameter"
    ;;
knock)
    cat "$bench/port" >&2
    exit 255
    ;;
esac
`;

/** Answers of describe-instances: an instance that runs. */
export const running = "running 203.0.113.9 10.0.0.9 None None";
