import * as path from "node:path";
import { Workbench } from "../../../tests/helpers/workbench";
import { sharedParts } from "../../builder/connect/connectScript";

const scripts = [
    ...sharedParts,
    ...["wakeEc2.sh", "keysEc2.sh", "openPort.sh"].map((file) => path.join(__dirname, file)),
];

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

export const running = "running 203.0.113.9 10.0.0.9 None None";
export const pending = "pending None 10.0.0.9 pending pending";
export const stopped =
    "stopped None 10.0.0.9 Client.UserInitiatedShutdown Client.UserInitiatedShutdown:_User_initiated_shutdown";
export const stopping = stopped.replace("stopped", "stopping");
export const noCapacity =
    "stopped None 10.0.0.9 Server.InsufficientInstanceCapacity Server.InsufficientInstanceCapacity:_none_left_in_the_zone";
export const stoppedItself =
    "stopped None 10.0.0.9 Client.InstanceInitiatedShutdown Client.InstanceInitiatedShutdown:_Instance_initiated_shutdown";
export const terminated = "terminated None None Client.UserInitiatedShutdown Client.UserInitiatedShutdown";

const variables = {
    instance_arm64: "i-0a",
    instance_type_arm64: "c7g.xlarge",
    keys_parameter_arm64: "/nbx/arm64/keys",
    fallbacks_arm64: "",
    emulate_on_arm64: "",
    region_arm64: "eu-central-1",
    port_arm64: "9753",
    address_arm64: "public",
    callers_group_arm64: "",
    open_seconds_arm64: "0",
    address_url_arm64: "https://checkip.example",
    instance_amd64: "i-0x",
    instance_type_amd64: "c7i.xlarge",
    keys_parameter_amd64: "/nbx/amd64/keys",
    fallbacks_amd64: "",
    emulate_on_amd64: "arm64",
    region_amd64: "eu-central-1",
    port_amd64: "9753",
    address_amd64: "public",
    callers_group_amd64: "",
    open_seconds_amd64: "0",
    address_url_amd64: "https://checkip.example",
};

export interface Scene {
    states: { [instance: string]: string[] };
    starts?: { [instance: string]: string[] };
    changes?: { [variable: string]: string };
    /** Exit statuses of curl's knocks, the last of which is repeated; 56: open, 7: refused, 28: silence. */
    knocks?: (number | "late")[];
    timeout?: number;
}

/** wakeEc2.sh and openPort.sh with stand-ins for the AWS CLI, curl and sleep. */
export class WakeBench extends Workbench {
    constructor(private readonly shell: string[]) {
        super();
        this.stub("aws", fakeAws);
        this.stub("sleep", "/bin/sleep 0.02");
        this.stub(
            "curl",
            `case $* in *checkip*) cat "$bench/own-address"; exit ;; esac
            next=$(head -n 1 "$bench/knocks")
            if [ "$(wc -l <"$bench/knocks")" -gt 1 ]; then sed -i 1d "$bench/knocks"; fi
            case $next in late) echo 0.012; exit 28 ;; *) echo 0.000000; exit "$next" ;; esac`,
        );
    }

    /** Runs a function of the script, behind these lines. */
    call(words: string, lines: string[] = [], changes: Scene["changes"] = {}, env: { [name: string]: string } = {}) {
        const assignments = Object.entries({ ...variables, ...changes }).map(([name, value]) => `${name}='${value}'`);
        const main = this.write(
            "main.sh",
            [...lines, ...assignments, ...scripts.map((script) => `. '${script}'`), words, ""].join("\n"),
        );
        return this.run([...this.shell, main], { env });
    }

    /** Line of a script that tells where a wake's notes for `keys_ec2` are. */
    get notes(): string {
        return `notes='${this.path("notes")}'`;
    }

    wake(scene: Scene, suffix = "arm64") {
        for (const [id, lines] of Object.entries(scene.states)) {
            this.write(`states/${id}`, `${lines.join("\n")}\n`);
        }
        for (const [id, lines] of Object.entries(scene.starts ?? {})) {
            this.write(`starts/${id}`, `${lines.join("\n")}\n`);
        }
        this.write("knocks", `${(scene.knocks ?? [56]).join("\n")}\n`);
        const env = { NATIVE_BUILDX_WAKE_TIMEOUT: String(scene.timeout ?? 30) };
        return this.call(`wake_ec2 ${suffix}`, [this.notes], scene.changes, env);
    }

    get starts(): string[] {
        return this.calls.filter((call) => call.includes("start-instances"));
    }
}

/** For a `describe` in one shell: a new bench before each test. */
export function wakeBenchForEach(shell: string[]): () => WakeBench {
    let bench: WakeBench;
    beforeEach(() => {
        bench = new WakeBench(shell);
    });
    afterEach(() => bench.dispose());
    return () => bench;
}
