import * as path from "node:path";
import { shells, Workbench } from "../../../tests/helpers/workbench";

const script = path.join(__dirname, "wakeEc2.sh");

/**
 * A stand-in for the AWS CLI. `states/ID` holds one line for each answer of describe-instances, the last of which is
 * repeated: STATE PUBLIC PRIVATE CODE MESSAGE. `starts/ID` holds one line for each start: `ok`, or an error's name.
 */
const fakeAws = `
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

const running = "running 203.0.113.9 10.0.0.9 None None";
const pending = "pending None 10.0.0.9 pending pending";
const stopped =
    "stopped None 10.0.0.9 Client.UserInitiatedShutdown Client.UserInitiatedShutdown:_User_initiated_shutdown";
const stopping = stopped.replace("stopped", "stopping");
const noCapacity =
    "stopped None 10.0.0.9 Server.InsufficientInstanceCapacity Server.InsufficientInstanceCapacity:_none_left_in_the_zone";
const stoppedItself =
    "stopped None 10.0.0.9 Client.InstanceInitiatedShutdown Client.InstanceInitiatedShutdown:_Instance_initiated_shutdown";
const terminated = "terminated None None Client.UserInitiatedShutdown Client.UserInitiatedShutdown";

const variables = {
    instance_arm64: "i-0a",
    instance_type_arm64: "c7g.xlarge",
    keys_parameter_arm64: "/nbx/arm64/keys",
    fallbacks_arm64: "",
    emulate_on_arm64: "",
    region_arm64: "eu-central-1",
    port_arm64: "9753",
    address_arm64: "public",
    instance_amd64: "i-0x",
    instance_type_amd64: "c7i.xlarge",
    keys_parameter_amd64: "/nbx/amd64/keys",
    fallbacks_amd64: "",
    emulate_on_amd64: "arm64",
    region_amd64: "eu-central-1",
    port_amd64: "9753",
    address_amd64: "public",
};

interface Scene {
    states: { [instance: string]: string[] };
    starts?: { [instance: string]: string[] };
    changes?: { [variable: string]: string };
    /** Exit statuses of curl's knocks, the last of which is repeated; 56: open, 7: refused, 28: silence. */
    knocks?: (number | "late")[];
    timeout?: number;
}

describe.each(shells)("EC2 runners in %s", (_name, shell) => {
    let bench: Workbench;
    beforeEach(() => {
        bench = new Workbench();
        bench.stub("aws", fakeAws);
        bench.stub("sleep", "/bin/sleep 0.02");
        bench.stub(
            "curl",
            `case $* in *checkip*) cat "$bench/own-address"; exit ;; esac
            next=$(head -n 1 "$bench/knocks")
            if [ "$(wc -l <"$bench/knocks")" -gt 1 ]; then sed -i 1d "$bench/knocks"; fi
            case $next in late) echo 0.012; exit 28 ;; *) echo 0.000000; exit "$next" ;; esac`,
        );
    });
    afterEach(() => bench.dispose());

    async function wake(scene: Scene, suffix = "arm64") {
        for (const [id, lines] of Object.entries(scene.states)) {
            bench.write(`states/${id}`, `${lines.join("\n")}\n`);
        }
        for (const [id, lines] of Object.entries(scene.starts ?? {})) {
            bench.write(`starts/${id}`, `${lines.join("\n")}\n`);
        }
        bench.write("knocks", `${(scene.knocks ?? [56]).join("\n")}\n`);
        const assignments = Object.entries({ ...variables, ...scene.changes }).map(
            ([name, value]) => `${name}='${value}'`,
        );
        const notes = `notes='${bench.path("notes")}'`;
        const main = bench.write("main.sh", `${assignments.join("\n")}\n${notes}\n. '${script}'\nwake_ec2 ${suffix}\n`);
        return bench.run([...shell, main], { env: { NATIVE_BUILDX_WAKE_TIMEOUT: String(scene.timeout ?? 30) } });
    }

    const starts = () => bench.calls.filter((call) => call.includes("start-instances"));

    it("finds a serving runner without a word", async () => {
        const result = await wake({ states: { "i-0a": [running] } });
        expect(result).toEqual({ status: 0, stdout: "tcp://203.0.113.9:9753\n", stderr: "" });
        expect(starts()).toEqual([]);
    });

    it("starts a stopped one, and says so while it waits", async () => {
        const result = await wake({
            states: { "i-0a": [stopped, stopped, pending, running] },
            starts: { "i-0a": ["ok"] },
            knocks: [28, 7, 7, 7, 7, 7, 56],
        });
        expect(result.stdout).toBe("tcp://203.0.113.9:9753\n");
        expect(result.status).toBe(0);
        expect(result.stderr).toMatch(
            /^arm64 runner i-0a: starting \.\.\.\narm64 runner i-0a: running, waiting until it serves \.\.\.\narm64 runner i-0a: serving after \d+ s\n$/,
        );
        expect(starts()).toHaveLength(1);
    });

    it("waits for one that is stopping, and starts it then", async () => {
        const result = await wake({
            states: { "i-0a": [stopping, stopping, stopped, running] },
            starts: { "i-0a": ["ok"] },
        });
        expect(result.stdout).toBe("tcp://203.0.113.9:9753\n");
        expect(result.stderr).toContain("is stopping, starting it again after that");
    });

    it("starts again when EC2 answers IncorrectInstanceState", async () => {
        const result = await wake({
            states: { "i-0a": [stopped, stopping, stopped, running] },
            starts: { "i-0a": ["IncorrectInstanceState", "ok"] },
        });
        expect(result.stdout).toBe("tcp://203.0.113.9:9753\n");
        expect(starts()).toHaveLength(2);
    });

    it("waits for one that is pending, started by somebody else", async () => {
        const result = await wake({ states: { "i-0a": [pending, pending, running] } });
        expect(result.status).toBe(0);
        expect(starts()).toEqual([]);
    });

    it("follows one whose port is closed because it is just going to stop", async () => {
        const result = await wake({
            states: { "i-0a": [running, running, stopping, stopped, pending, running] },
            starts: { "i-0a": ["ok"] },
            knocks: [...Array(12).fill(7), 56],
        });
        expect(result.stdout).toBe("tcp://203.0.113.9:9753\n");
        expect(starts()).toHaveLength(1);
    });

    it("prints EC2's reason when a start falls back to stopped", async () => {
        const result = await wake({
            states: {
                "i-0a": [
                    stopped,
                    pending,
                    "stopped None 10.0.0.9 Client.InternalError Client.InternalError:_Client_error_on_launch",
                ],
            },
            starts: { "i-0a": ["ok"] },
        });
        expect(result.status).toBe(1);
        expect(result.stderr).toContain("stopped again: Client.InternalError: Client error on launch");
        expect(result.stderr).toContain("get-console-output");
    });

    it("starts a runner once more that was idle again before we saw it serve, and no more than once", async () => {
        const states = [stopped, pending, stoppedItself, pending];
        const slow = await wake({ states: { "i-0a": [...states, running] }, starts: { "i-0a": ["ok"] } });
        expect(slow).toMatchObject({ status: 0, stdout: "tcp://203.0.113.9:9753\n" });
        expect(slow.stderr).toContain("arm64 runner i-0a: has stopped itself: starting it once more\n");
        expect(starts()).toHaveLength(2);

        const other = "stopped None 10.0.0.9 Client.InstanceInitiatedShutdown once_more";
        const broken = await wake({ states: { "i-0a": [...states, other] }, starts: { "i-0a": ["ok"] } });
        expect(broken).toMatchObject({ status: 1, stdout: "" });
        expect(broken.stderr).toContain("was started and stopped again: once more. What it says: aws ec2 get-console");
        expect(starts()).toHaveLength(4);
    });

    describe("when the runner gives no answer at all", () => {
        const silence = "no answer at all from 203.0.113.9:9753: is your address, 203.0.113.77, in allowedCidrs?";
        beforeEach(() => bench.write("own-address", "203.0.113.77\n"));

        it("asks for the address that is let in, once and within three knocks, and in the end", async () => {
            const result = await wake({ states: { "i-0a": [running] }, knocks: [28], timeout: 2 });
            expect(result).toMatchObject({ status: 1, stdout: "" });
            const [first, last, ...more] = result.stderr.split("\n");
            expect(first).toBe(`arm64 runner i-0a: ${silence} Waiting on ...`);
            expect(last).toMatch(/^arm64 runner i-0a: does not serve after \d+ s: no answer at all from /);
            expect(more).toEqual([""]);
        });

        it("does so when it was started only after the time that a boot takes", async () => {
            const wakeWith = (silent: number) =>
                wake({
                    states: { "i-0a": [stopped, running] },
                    starts: { "i-0a": ["ok"] },
                    knocks: [...Array<number>(silent).fill(28), 7, 56],
                });
            expect((await wakeWith(8)).stderr).not.toContain("allowedCidrs");
            expect((await wakeWith(9)).stderr).toContain(silence);
        });

        it.each([
            ["refuses", 7],
            ["takes its time after it was reached", "late"],
        ] as const)("does not when it %s", async (_what, knock) => {
            const result = await wake({ states: { "i-0a": [running] }, knocks: [...Array(9).fill(knock), 56] });
            expect(result).toMatchObject({ status: 0 });
            expect(result.stderr).toMatch(
                /^arm64 runner i-0a: running, waiting until it serves \.\.\.\narm64 runner i-0a: serving after \d+ s\n$/,
            );
        });

        it.each([
            ["where nobody can tell it", "", { address_arm64: "public" }, "203.0.113.9"],
            ["where a page of words came back", "<html>log in", { address_arm64: "public" }, "203.0.113.9"],
            ["within a private network", "203.0.113.77", { address_arm64: "private" }, "10.0.0.9"],
        ])("says it without the address %s", async (_where, answer, changes, host) => {
            bench.write("own-address", answer);
            const { stderr } = await wake({ states: { "i-0a": [running] }, knocks: [28, 28, 28, 56], changes });
            expect(stderr).toContain(`no answer at all from ${host}:9753: is your address in allowedCidrs?`);
        });
    });

    it.each([
        ["terminated", { "i-0a": [terminated] }],
        ["missing", {}],
    ])("names the remedy for one that is %s", async (_state, states: Scene["states"]) => {
        const result = await wake({ states });
        expect(result.status).toBe(1);
        expect(result.stdout).toBe("");
        expect(result.stderr).toContain("pulumi up --refresh");
    });

    it("goes down the list of stand-ins when there is no capacity", async () => {
        const result = await wake({
            states: { "i-0a": [stopped], "i-0b": [stopped, pending, noCapacity], "i-0c": [stopped, running] },
            starts: { "i-0a": ["InsufficientInstanceCapacity"], "i-0b": ["ok"], "i-0c": ["ok"] },
            changes: { fallbacks_arm64: "i-0b:m7g.xlarge i-0c:r7g.xlarge" },
        });
        expect(result.stdout).toBe("tcp://203.0.113.9:9753\n");
        expect(result.stderr).toContain("arm64 runner i-0a: no capacity for c7g.xlarge");
        expect(result.stderr).toContain("arm64 runner i-0b: trying this stand-in, m7g.xlarge");
        expect(result.stderr).toContain(
            "arm64 runner i-0b: no capacity for m7g.xlarge: Server.InsufficientInstanceCapacity: none left",
        );
    });

    it("fails with what was tried when nothing is left", async () => {
        const result = await wake({
            states: { "i-0a": [stopped], "i-0b": [stopped] },
            starts: { "i-0a": ["InsufficientInstanceCapacity"], "i-0b": ["VcpuLimitExceeded"] },
            changes: { fallbacks_arm64: "i-0b:m7g.xlarge" },
        });
        expect(result.status).toBe(1);
        expect(result.stderr).toContain("tried c7g.xlarge (i-0a), m7g.xlarge (i-0b)");
    });

    it("emulates on the other runner, loudly, where that is wanted", async () => {
        const result = await wake({
            states: { "i-0a": [stopped], "i-0x": [stopped, running.replace("203.0.113.9", "203.0.113.10")] },
            starts: { "i-0a": ["InsufficientInstanceCapacity"], "i-0x": ["ok"] },
            changes: { emulate_on_arm64: "amd64" },
        });
        expect(result.stdout).toBe("tcp://203.0.113.10:9753\n");
        expect(result.stderr).toContain("WARNING: arm64 will be EMULATED on the amd64 runner");
    });

    it("does not emulate in a circle", async () => {
        const result = await wake({
            states: { "i-0a": [stopped], "i-0x": [stopped] },
            starts: { "i-0a": ["InsufficientInstanceCapacity"], "i-0x": ["InsufficientInstanceCapacity"] },
            changes: { emulate_on_arm64: "amd64" },
        });
        expect(result.status).toBe(1);
        expect(result.stderr).toContain("nor can the amd64 runner emulate it");
        expect(starts()).toHaveLength(2);
    });

    it("does not hide other trouble behind a stand-in", async () => {
        const result = await wake({
            states: { "i-0a": [stopped], "i-0b": [running] },
            starts: { "i-0a": ["UnauthorizedOperation"] },
            changes: { fallbacks_arm64: "i-0b:m7g.xlarge", emulate_on_arm64: "amd64" },
        });
        expect(result.status).toBe(1);
        expect(result.stderr).toContain("cannot be started: An error occurred (UnauthorizedOperation)");
    });

    it("gets over a throttled call, and gives up on a refused one", async () => {
        const passing = await wake({
            states: { "i-0a": ["error:RequestLimitExceeded", "error:RequestLimitExceeded", running] },
        });
        expect(passing.stdout).toBe("tcp://203.0.113.9:9753\n");
        const refused = await wake({ states: { "i-0a": ["error:AuthFailure", running] } });
        expect(refused.status).toBe(1);
        expect(refused.stderr).toContain("cannot ask for its state: An error occurred (AuthFailure)");
    });

    it("uses the private address where that is wanted", async () => {
        const result = await wake({ states: { "i-0a": [running] }, changes: { address_arm64: "private" } });
        expect(result.stdout).toBe("tcp://10.0.0.9:9753\n");
    });

    it("gives up after its time limit, and says where to look", async () => {
        const result = await wake({ states: { "i-0a": [running] }, knocks: [7], timeout: 1 });
        expect(result.status).toBe(1);
        expect(result.stderr).toMatch(/does not serve after \d+ s \(state running\).*get-console-output/);
    });

    describe("where there is no curl", () => {
        async function knock(answer: string) {
            const noCurl = "command() { if [ \"$*\" = '-v curl' ]; then return 1; fi; return 0; }";
            bench.write("port", `${answer}\n`);
            bench.write("states/i-0a", `${running}\n`);
            const assignments = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
            const lines = [noCurl, ...assignments, `. '${script}'`, "wake_ec2 arm64", ""];
            const main = bench.write("main.sh", lines.join("\n"));
            return bench.run([...shell, main], { env: { NATIVE_BUILDX_WAKE_TIMEOUT: "1" } });
        }

        it("knocks with the AWS CLI", async () => {
            expect(await knock("SSL validation failed")).toMatchObject({ stdout: "tcp://203.0.113.9:9753\n" });
            expect(bench.calls.at(-1)).toContain("--no-sign-request");
            expect(bench.calls.some((call) => call.startsWith("curl https://203"))).toBe(false);
        });

        it("tells silence from refusal by its words", async () => {
            const refused = await knock('Could not connect to the endpoint URL: "https://..."');
            expect(refused.stderr).not.toContain("allowedCidrs");
            const silent = await knock('Connect timeout on endpoint URL: "https://..."');
            expect(silent.stderr).toContain("no answer at all from 203.0.113.9:9753: is your address in allowedCidrs?");
        });
    });

    describe("keys_ec2", () => {
        const pem = (kind: string) => `-----BEGIN ${kind}-----\nMIIB+/=\n-----END ${kind}-----\n`;
        const bundle = pem("CERTIFICATE") + pem("CERTIFICATE") + pem("PRIVATE KEY");

        async function keys(parameter: string, notes = "") {
            bench.write("parameter", parameter);
            const assignments = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
            const main = bench.write("main.sh", `${assignments.join("\n")}\n${notes}\n. '${script}'\nkeys_ec2 arm64\n`);
            return bench.run([...shell, main]);
        }

        it("prints the keys that the runner has published, and nothing around them", async () => {
            const result = await keys(`a warning of the AWS CLI\n${bundle}`);
            expect(result).toEqual({ status: 0, stdout: bundle, stderr: "" });
            expect(bench.calls).toEqual([
                "aws ssm get-parameter --region eu-central-1 --name /nbx/arm64/keys --with-decryption --query Parameter.Value --output text",
            ]);
        });

        it("reads those of the machine that was woken", async () => {
            await wake({
                states: { "i-0a": [noCapacity], "i-0b": [running] },
                starts: { "i-0a": ["InsufficientInstanceCapacity"] },
                changes: { fallbacks_arm64: "i-0b:m7g.xlarge" },
            });
            await keys(bundle, `notes='${bench.path("notes")}'`);
            expect(bench.calls.at(-1)).toContain("--name /nbx/arm64/keys-m7g.xlarge ");

            await wake({
                states: { "i-0a": [noCapacity], "i-0x": [running] },
                starts: { "i-0a": ["InsufficientInstanceCapacity"] },
                changes: { emulate_on_arm64: "amd64" },
            });
            await keys(bundle, `notes='${bench.path("notes")}'`);
            expect(bench.calls.at(-1)).toContain("--name /nbx/amd64/keys ");
        });

        it.each(["stopped", "not started yet", "error:ParameterNotFound", "error:ThrottlingException"])(
            "is asked again after %j",
            async (parameter) => {
                expect(await keys(parameter)).toEqual({ status: 75, stdout: "", stderr: "" });
            },
        );

        it("says which permission is missing", async () => {
            const { status, stdout, stderr } = await keys("error:AccessDeniedException");
            expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
            expect(stderr).toMatch(
                /^arm64 runner: its keys may not be read: ssm:GetParameter on \/nbx\/arm64\/keys is needed/,
            );
        });

        it("says what else goes wrong", async () => {
            const { status, stderr } = await keys("error:InvalidKeyId");
            expect(status).toBe(1);
            expect(stderr).toContain("cannot be read from parameter /nbx/arm64/keys: An error occurred (InvalidKeyId)");
        });
    });
});
