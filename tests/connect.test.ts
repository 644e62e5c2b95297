import { type ChildProcess, spawn } from "node:child_process";
import {
    chmodSync,
    existsSync,
    mkdirSync,
    readdirSync,
    readlinkSync,
    rmSync,
    statSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import * as path from "node:path";
import { renderConnectScript } from "../components/remoteBuilder/connectScript";
import { shells, Workbench } from "./ec2Scripts";

jest.setTimeout(60_000);

/** A program's place on this machine; nothing if it is missing. */
function find(program: string): string | undefined {
    return (process.env.PATH ?? "")
        .split(":")
        .map((folder) => path.join(folder, program))
        .find((file) => existsSync(file));
}

/** The programs that connect.sh may use, besides docker or buildx. Nothing else is on its PATH here. */
const programs = "cat dirname grep head ln mkdir mktemp mv readlink rm rmdir sed sleep sort tail tr".split(" ");

/**
 * A stand-in for docker with buildx: `buildx create` keeps records like buildx's, and insists like it on one node an
 * endpoint; `buildx build` succeeds unless there is a file `dead-BUILDER`. It notes each standard input that is not
 * empty in `stdin`.
 */
const fakeBuildx = `
[ ! -e "$bench/no-plugin" ] || { echo "docker: 'buildx' is not a docker command." >&2; exit 1; }
[ -z "\${BUILDX_BUILDER:-}\${BUILDKIT_HOST:-}" ] || echo "$*" >>"$bench/led-astray"
store=\${BUILDX_CONFIG:-\${DOCKER_CONFIG:-$HOME/.docker}/buildx}/instances
command=$1
shift
if [ "$command" != build ]; then cat >>"$bench/stdin"; fi
append= name= node= endpoint=
while [ $# -gt 0 ]; do
    case $1 in
        --name | --builder) name=$2; shift ;;
        --node) node=$2; shift ;;
        --append) append=1 ;;
        --driver | --platform | --driver-opt | --progress | --output) shift ;;
        --keep-state | --keep-daemon | -) ;;
        *) endpoint=$1 ;;
    esac
    shift
done
render() {
    nodes=
    for file in "$store/../nodes/$name"/*; do
        nodes="$nodes\${nodes:+,}{\\"Name\\":\\"\${file##*/}\\",\\"Endpoint\\":\\"$(cat "$file")\\"}"
    done
    printf '{"Name":"%s","Driver":"remote","Nodes":[%s]}' "$name" "$nodes" >"$store/$name"
}
case $command in
version) echo buildx v0 ;;
create)
    mkdir "$bench/creating" || echo "$name" >>"$bench/overlaps"
    sleep 0.01
    while [ -e "$bench/slow-create" ]; do sleep 0.01; done
    rmdir "$bench/creating"
    if [ -e "$bench/refuse-$name" ]; then
        rm "$bench/refuse-$name"
        echo "ERROR: invalid duplicate endpoint $endpoint" >&2
        exit 1
    fi
    [ ! -e "$bench/refuse-always" ] || { printf 'ERROR: no space left\\n\\n' >&2; exit 1; }
    mkdir -p "$store" "$store/../nodes/$name"
    for file in "$store/../nodes/$name"/*; do
        if [ -e "$file" ] && [ "$file" != "$store/../nodes/$name/$node" ] && [ "$(cat "$file")" = "$endpoint" ]; then
            echo "ERROR: invalid duplicate endpoint $endpoint" >&2
            exit 1
        fi
    done
    if [ -e "$store/$name" ] && [ -z "$append" ] && [ ! -e "$store/../nodes/$name/$node" ]; then
        echo "ERROR: existing instance for \\"$name\\" but no append mode" >&2
        exit 1
    fi
    printf '%s' "$endpoint" >"$store/../nodes/$name/$node"
    render
    ;;
rm)
    rm -rf "$store/../nodes/$endpoint" "$store/$endpoint"
    ;;
build)
    [ "$(cat)" = 'FROM scratch' ] || { echo 'ERROR: no Dockerfile on standard input' >&2; exit 1; }
    if [ -e "$bench/hangs-$name" ]; then
        echo 'waiting for the runner' >&2
        echo $$ >"$bench/hanging"
        exec "$bench/programs/sleep" 600
    fi
    if [ -e "$bench/dead-$name" ]; then
        # A number in it is how often it is dead.
        left=$(cat "$bench/dead-$name")
        if [ -n "$left" ]; then
            if [ "$left" = 1 ]; then rm "$bench/dead-$name"; else echo $((left - 1)) >"$bench/dead-$name"; fi
        fi
        printf '\\nERROR: failed to list workers: context deadline exceeded\\n\\n' >&2
        exit 1
    fi
    ;;
esac
`;

/** Wakes unless there is a file `asleep-SUFFIX`; waits as long as there is a file `slow-SUFFIX`. */
const wakeScript = (kind: string) => `
wake_${kind}() {
    cat >>"$bench/stdin"
    echo "$1" >>"$bench/woken"
    while [ -e "$bench/slow-$1" ]; do sleep 0.05; done
    if [ -e "$bench/asleep-$1" ]; then
        echo "stub runner $1: no capacity" >&2
        return 1
    fi
    eval "printf '%s\\n' \\"\\$endpoint_$1\\""
}
${kind === "local" ? 'renew_local() { echo "$1" >>"$bench/renewed"; }' : ""}
prepare_${kind}() {
    cat >>"$bench/stdin"
    echo ${kind} >>"$bench/prepared"
    if [ -e "$bench/unprepared" ]; then
        echo 'registry: did not start' >&2
        return 1
    fi
}
`;

const key = "-----BEGIN PRIVATE KEY-----\nTHEKEYSBODY'\"$(x)\n-----END PRIVATE KEY-----\n";

interface Options {
    args?: string[];
    endpoints?: { amd64: string; arm64: string };
    kind?: "local" | "ec2";
    builder?: string;
    env?: { [name: string]: string | undefined };
    /** What comes behind the script. */
    after?: string;
}

/** What `sh` is in the images that CI runs in. */
const allShells: typeof shells = [...shells, ["bash as sh", ["bash", "--posix"]]];

describe.each(allShells)("connect in %s", (shellName, shell) => {
    // Where a shell is not installed its tests are shown as skipped.
    const it = find(shell[0] ?? "") ? test : test.skip;
    if (it === test.skip) {
        test.skip(`needs ${shellName}, which is not installed`, () => undefined);
    }

    let bench: Workbench;
    let children: ChildProcess[];
    beforeEach(() => {
        bench = new Workbench();
        children = [];
        mkdirSync(bench.path("programs"));
        for (const program of programs) {
            symlinkSync(find(program) ?? program, bench.path(`programs/${program}`));
        }
        bench.stub("docker", `[ "$1" = buildx ] || exit 0\nshift\n${fakeBuildx}`);
        mkdirSync(bench.path("home"));
        mkdirSync(bench.path("tmp"));
    });
    afterEach(async () => {
        for (const file of ["slow-amd64", "slow-arm64", "slow-create", "late"]) {
            rmSync(bench.path(file), { force: true });
        }
        for (const child of children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
            child.kill("SIGKILL");
        }
        if (existsSync(bench.path("hanging"))) {
            try {
                process.kill(Number(bench.read("hanging")), "SIGKILL");
            } catch {
                // It has ended.
            }
        }
        bench.dispose();
    });

    function start({ args = [], env = {}, ...options }: Options = {}) {
        const {
            endpoints = { amd64: "tcp://a:1", arm64: "tcp://b:1" },
            kind = "local",
            builder = "demo-dev",
            after = "",
        } = options;
        const node = (suffix: "amd64" | "arm64") => ({
            kind,
            serverName: `${suffix}.example`,
            variables: { endpoint: endpoints[suffix] },
        });
        const script = renderConnectScript({
            builder,
            ca: "CA",
            clientCertificate: "CERTIFICATE",
            clientKey: key,
            nodes: { "linux/amd64": node("amd64"), "linux/arm64": node("arm64") },
            wakeScripts: [`bench='${bench.folder}'`, wakeScript(kind)],
        });
        const child = spawn(find(shell[0] ?? "") ?? "", [...shell.slice(1), "-s", "--", ...args], {
            env: {
                PATH: `${bench.path("bin")}:${bench.path("programs")}`,
                HOME: bench.path("home"),
                TMPDIR: bench.path("tmp"),
                BUILDX_BUILDER: "elsewhere",
                BUILDKIT_HOST: "tcp://elsewhere:1",
                ...env,
            },
        });
        children.push(child);
        let [stdout, stderr] = ["", ""];
        child.stdout.on("data", (data) => {
            stdout += data;
        });
        child.stderr.on("data", (data) => {
            stderr += data;
        });
        child.stdin.on("error", () => undefined);
        child.stdin.end(`${script}\n${after}\nresult=$?\necho end of script\nexit $result\n`);
        const ended = (event: "close" | "exit") =>
            new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
                child.on(event, (status) => resolve({ status, stdout, stderr }));
            });
        return { child, closed: ended("close"), exited: ended("exit") };
    }
    const connect = (options?: Options) => start(options).closed;

    const lines = (file: string) =>
        bench
            .read(file)
            .split("\n")
            .filter((line) => line !== "");
    const buildxCalls = (command: string) => bench.calls.filter((call) => call.startsWith(`docker buildx ${command}`));
    const config = () => bench.path("home/.docker");
    const certificates = () => path.join(config(), "native-buildx/demo-dev");
    /** Endpoints of a builder's nodes. */
    const nodesOf = (builder: string): { [node: string]: string } => {
        const record = bench.read(`home/.docker/buildx/instances/${builder}`);
        const nodes: { Name: string; Endpoint: string }[] = record ? JSON.parse(record).Nodes : [];
        return Object.fromEntries(nodes.map(({ Name, Endpoint }) => [Name, Endpoint]));
    };
    const both = { "demo-dev-amd64": "tcp://a:1", "demo-dev-arm64": "tcp://b:1" };
    const until = async (condition: () => boolean) => {
        const end = Date.now() + 20_000;
        while (!condition()) {
            if (Date.now() > end) {
                throw new Error(`in vain: ${condition}`);
            }
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    };
    const order = (file: string, text = "") => bench.write(file, text);
    /** No process has so high a number. */
    const gone = 4194999;
    /** Leaves a lock that is owned by a process, or one on the right to remove another. */
    const lock = (owner: number, name = "") => {
        mkdirSync(path.dirname(certificates()), { recursive: true });
        symlinkSync(String(owner), `${certificates()}.locked${name}`);
    };

    it("wakes all platforms, registers a builder for each and one for all, and says so in a line", async () => {
        expect(await connect()).toEqual({
            status: 0,
            stdout: "end of script\n",
            stderr: "builder demo-dev is ready: linux/amd64 linux/arm64\n",
        });
        expect(lines("woken").sort()).toEqual(["amd64", "arm64"]);
        expect(nodesOf("demo-dev-amd64")).toEqual({ "demo-dev-amd64": "tcp://a:1" });
        expect(nodesOf("demo-dev-arm64")).toEqual({ "demo-dev-arm64": "tcp://b:1" });
        expect(nodesOf("demo-dev")).toEqual(both);
    });

    it("registers with platform, certificates and the certificate's name", async () => {
        await connect({ args: ["linux/arm64"] });
        expect(buildxCalls("create")).toHaveLength(2);
        const [create = ""] = buildxCalls("create");
        expect(create).toBe(
            "docker buildx create --name demo-dev-arm64 --node demo-dev-arm64 --driver remote " +
                `--platform linux/arm64 --driver-opt cacert=${certificates()}/ca.pem,cert=${certificates()}/cert.pem,` +
                `key=${certificates()}/key.pem,servername=arm64.example tcp://b:1`,
        );
    });

    it("wakes and registers only the platforms it is asked for", async () => {
        const { status, stderr } = await connect({ args: ["linux/arm64"] });
        expect([status, stderr]).toEqual([0, "builder demo-dev is ready: linux/arm64\n"]);
        expect(lines("woken")).toEqual(["arm64"]);
        expect(nodesOf("demo-dev")).toEqual({ "demo-dev-arm64": "tcp://b:1" });
        expect(nodesOf("demo-dev-amd64")).toEqual({});
        expect(buildxCalls("build").join()).not.toContain("amd64");
    });

    it("keeps the other platform's node when it is asked for one", async () => {
        await connect();
        await connect({ args: ["linux/arm64"], endpoints: { amd64: "tcp://a:2", arm64: "tcp://b:2" } });
        expect(nodesOf("demo-dev")).toEqual({ "demo-dev-amd64": "tcp://a:1", "demo-dev-arm64": "tcp://b:2" });
    });

    it("wakes side by side", async () => {
        order("slow-amd64");
        order("slow-arm64");
        const { closed } = start();
        await until(() => lines("woken").length === 2);
        rmSync(bench.path("slow-amd64"));
        rmSync(bench.path("slow-arm64"));
        expect((await closed).status).toBe(0);
    });

    it("says which platforms there are when asked for another, and does nothing", async () => {
        expect(await connect({ args: ["linux/riscv64"] })).toMatchObject({
            status: 1,
            stderr: "connect: this stack has no runner for platform 'linux/riscv64'; it has: linux/amd64 linux/arm64\n",
        });
        expect(lines("woken")).toEqual([]);
        expect(existsSync(config())).toBe(false);
    });

    it("explains itself when it does not know an option", async () => {
        expect(await connect({ args: ["--help"] })).toMatchObject({
            status: 1,
            stderr: "usage: connect [--prepare | --keep-awake] [PLATFORM...]; this stack's platforms: linux/amd64 linux/arm64\n",
        });
    });

    it("fails with the runner's words when one cannot be woken; the other is woken all the same", async () => {
        order("asleep-arm64");
        const { status, stderr } = await connect();
        expect(status).toBe(1);
        expect(stderr).toBe("stub runner arm64: no capacity\nconnect: not ready: linux/arm64\n");
        expect(lines("woken").sort()).toEqual(["amd64", "arm64"]);
        expect(await connect({ args: ["linux/amd64"] })).toMatchObject({ status: 0 });
        rmSync(bench.path("asleep-arm64"));
        expect(await connect()).toMatchObject({ status: 0 });
        expect(nodesOf("demo-dev")).toEqual(both);
    });

    it("writes the certificate for its owner only, whatever the umask", async () => {
        await connect();
        const mode = (...file: string[]) => (statSync(path.join(certificates(), ...file)).mode & 0o777).toString(8);
        expect(readdirSync(certificates()).sort()).toEqual(["ca.pem", "cert.pem", "key.pem"]);
        expect([mode(), mode("ca.pem"), mode("cert.pem"), mode("key.pem")]).toEqual(["700", "600", "600", "600"]);
        expect(bench.read("home/.docker/native-buildx/demo-dev/key.pem")).toBe(key);
        expect(bench.read("home/.docker/native-buildx/demo-dev/cert.pem")).toBe("CERTIFICATE\n");
        expect(bench.read("home/.docker/native-buildx/demo-dev/ca.pem")).toBe("CA\n");
    });

    it("replaces a certificate that was renewed, and leaves one that was not", async () => {
        await connect();
        const before = statSync(path.join(certificates(), "key.pem")).ino;
        writeFileSync(path.join(certificates(), "cert.pem"), "OLD\n");
        await connect();
        expect(bench.read("home/.docker/native-buildx/demo-dev/cert.pem")).toBe("CERTIFICATE\n");
        expect(statSync(path.join(certificates(), "key.pem")).ino).toBe(before);
    });

    it("can be run again: the same builders, and nothing left behind", async () => {
        await connect();
        const again = await connect();
        expect(again).toMatchObject({ status: 0, stderr: "builder demo-dev is ready: linux/amd64 linux/arm64\n" });
        expect(nodesOf("demo-dev")).toEqual(both);
        expect(buildxCalls("rm")).toEqual([]);
        expect(readdirSync(bench.path("tmp"))).toEqual([]);
        expect(readdirSync(path.join(config(), "native-buildx"))).toEqual(["demo-dev"]);
    });

    it("drops a record with a node that the stack has not", async () => {
        await connect({ args: ["linux/amd64"] });
        order("home/.docker/buildx/nodes/demo-dev/demo-dev-riscv64", "tcp://c:1");
        order(
            "home/.docker/buildx/instances/demo-dev",
            '{"Name":"demo-dev","Nodes":[{"Name":"demo-dev-amd64"},{"Name":"demo-dev-riscv64"}]}',
        );
        expect(await connect()).toMatchObject({ status: 0 });
        expect(buildxCalls("rm")).toEqual(["docker buildx rm --keep-state --keep-daemon demo-dev"]);
        expect(nodesOf("demo-dev")).toEqual(both);
    });

    it.each([
        ["a platform's builder", "demo-dev-arm64"],
        ["the builder of all", "demo-dev"],
    ])("drops the record of %s that buildx refuses to change, and creates it again", async (_which, builder) => {
        order(`refuse-${builder}`);
        const args = ["linux/arm64"];
        expect(await connect({ args })).toMatchObject({
            status: 0,
            stderr: "builder demo-dev is ready: linux/arm64\n",
        });
        expect(buildxCalls("rm")).toEqual([`docker buildx rm --keep-state --keep-daemon ${builder}`]);
        expect(nodesOf(builder)).toEqual({ "demo-dev-arm64": "tcp://b:1" });
    });

    it("copes with runners that changed addresses with one another", async () => {
        await connect();
        expect(await connect({ endpoints: { amd64: "tcp://b:1", arm64: "tcp://a:1" } })).toMatchObject({ status: 0 });
        expect(nodesOf("demo-dev")).toEqual({ "demo-dev-amd64": "tcp://b:1", "demo-dev-arm64": "tcp://a:1" });
    });

    it("says what buildx said when it refuses for good", async () => {
        order("refuse-always");
        expect(await connect()).toMatchObject({ status: 1, stderr: "connect: buildx create: ERROR: no space left\n" });
        expect(readdirSync(bench.path("tmp"))).toEqual([]);
    });

    it("says that a runner does not serve, and why; a local one is not woken again", async () => {
        order("dead-demo-dev-arm64");
        const { status, stderr } = await connect();
        expect(status).toBe(1);
        expect(stderr).toBe(
            "linux/arm64: the runner at tcp://b:1 does not serve: ERROR: failed to list workers: context deadline exceeded\n" +
                "connect: not ready: linux/arm64\n",
        );
        expect(lines("woken").sort()).toEqual(["amd64", "arm64"]);
        expect(readdirSync(bench.path("tmp"))).toEqual([]);
    });

    it("wakes an EC2 runner again that stopped after it was found serving, and only that one", async () => {
        order("dead-demo-dev-arm64", "2");
        const { status, stderr } = await connect({ kind: "ec2" });
        expect(status).toBe(0);
        expect(stderr).toMatch(/builder demo-dev is ready: linux\/amd64 linux\/arm64\n$/);
        expect(lines("woken").sort()).toEqual(["amd64", "arm64", "arm64", "arm64"]);
    });

    it("gives an EC2 runner up after three times", async () => {
        order("dead-demo-dev-arm64");
        const { status, stderr } = await connect({ kind: "ec2", args: ["linux/arm64"] });
        expect(status).toBe(1);
        expect(stderr.match(/does not serve/g)).toHaveLength(3);
        expect(stderr).toMatch(/connect: not ready: linux\/arm64\n$/);
        expect(lines("woken")).toEqual(["arm64", "arm64", "arm64"]);
    });

    describe("where TLS is the trouble", () => {
        const trouble = (words: string) => bench.stub("curl", `echo "curl: ${words}" >&2; exit 60`);
        const expired = "(60) SSL certificate problem: certificate has expired";

        beforeEach(() => bench.stub("sleep", `exec ${find("sleep")} 0.02`));

        it("ends a local runner whose certificate has expired, which then takes the renewed one", async () => {
            trouble(expired);
            order("dead-demo-dev-arm64", "1");
            const { status, stderr } = await connect();
            expect(status).toBe(0);
            expect(stderr).toContain(`linux/arm64: the runner serves an old certificate (curl: ${expired}). pulumi up`);
            expect(lines("renewed")).toEqual(["arm64"]);
            expect(lines("woken").sort()).toEqual(["amd64", "arm64", "arm64"]);
            expect(bench.calls.find((call) => call.startsWith("curl"))).toContain("--resolve arm64.example:1:b ");
        });

        it("waits until another runner has taken it, and says so once", async () => {
            trouble("(60) SSL: no alternative certificate subject name matches target host name 'arm64.example'");
            order("dead-demo-dev-arm64", "4");
            const { status, stderr } = await connect({ kind: "ec2" });
            expect(status).toBe(0);
            expect(stderr.match(/serves an old certificate/g)).toHaveLength(1);
        });

        it("gives up when no renewed one comes", async () => {
            trouble(expired);
            order("dead-demo-dev-arm64");
            const { status, stderr } = await connect({ kind: "ec2" });
            expect(status).toBe(1);
            expect(stderr).toMatch(/pulumi up renews it.*\n(.*\n)*connect: not ready: linux\/arm64\n$/);
        });

        it("says that its own certificate has expired", async () => {
            trouble("(56) OpenSSL SSL_read: ssl/tls alert certificate expired, errno 0");
            order("dead-demo-dev-arm64");
            const { status, stderr } = await connect();
            expect(status).toBe(1);
            expect(stderr).toContain("the client certificate of this connect script has expired: run pulumi up");
        });

        it("leaves it at buildx's reason where TLS is fine", async () => {
            bench.stub("curl");
            order("dead-demo-dev-arm64");
            expect((await connect()).stderr).toContain("does not serve: ERROR: failed to list workers");
        });
    });

    it("ends a proof that takes too long, and says that it did", async () => {
        // The time limit counts sleeps of a second.
        bench.stub("sleep", `if [ "$1" = 1 ]; then exec ${find("sleep")} 0.02; fi\nexec ${find("sleep")} "$@"`);
        order("hangs-demo-dev-arm64");
        const { status, stderr } = await connect({ args: ["linux/arm64"] });
        expect(status).toBe(1);
        expect(stderr).toBe(
            "linux/arm64: the runner at tcp://b:1 does not serve: no answer within 25 s\n" +
                "connect: not ready: linux/arm64\n",
        );
        expect(() => process.kill(Number(bench.read("hanging")), 0)).toThrow("ESRCH");
    });

    it("is safe to run several at once: records are changed one at a time", async () => {
        const results = await Promise.all([connect(), connect({ args: ["linux/arm64"] }), connect()]);
        expect(results.map(({ status }) => status)).toEqual([0, 0, 0]);
        expect(lines("overlaps")).toEqual([]);
        expect(nodesOf("demo-dev")).toEqual(both);
        expect(bench.read("home/.docker/native-buildx/demo-dev/key.pem")).toBe(key);
        expect(readdirSync(path.join(config(), "native-buildx"))).toEqual(["demo-dev"]);
    });

    it("takes over the lock of a process that is gone, even one that was taking over another's", async () => {
        lock(gone);
        lock(4194998, `.${gone}`);
        expect(await connect()).toMatchObject({ status: 0 });
        expect(readdirSync(path.join(config(), "native-buildx"))).toEqual(["demo-dev"]);
    });

    it("has many take over one lock, and still changes records one at a time", async () => {
        lock(gone);
        lock(4194998, `.${gone}`);
        const results = await Promise.all(Array.from({ length: 12 }, () => connect({ args: ["linux/arm64"] })));
        expect(results.map(({ status, stderr }) => [status, stderr])).toEqual(
            results.map(() => [0, "builder demo-dev is ready: linux/arm64\n"]),
        );
        expect(lines("overlaps")).toEqual([]);
        expect(readdirSync(path.join(config(), "native-buildx"))).toEqual(["demo-dev"]);
    });

    it("does not take the lock of the one who took over before, however late it does", async () => {
        // The late one knows the old lock's owner, and goes on only when there is a new lock, whose owner is at work.
        const readlink = find("readlink");
        bench.stub(
            "readlink",
            `owner=$(${readlink} "$@") || exit
            if [ -n "\${LATE:-}" ] && [ "$owner" = ${gone} ]; then
                : >"$bench/has-read"
                while [ -e "$bench/late" ]; do sleep 0.01; done
            fi
            printf '%s\\n' "$owner"`,
        );
        lock(gone);
        order("late");
        const late = start({ env: { LATE: "1" } });
        await until(() => existsSync(bench.path("has-read")));
        order("slow-create");
        const early = start();
        await until(() => existsSync(bench.path("creating")));
        rmSync(bench.path("late"));
        // It has looked more than once since then.
        const looked = () => bench.calls.filter((call) => call.startsWith("readlink")).length;
        const before = looked();
        await until(() => looked() > before + 3);
        expect(Number(readlinkSync(`${certificates()}.locked`))).toBe(early.child.pid);
        rmSync(bench.path("slow-create"));
        expect((await early.closed).status).toBe(0);
        expect((await late.closed).status).toBe(0);
        expect(lines("overlaps")).toEqual([]);
    });

    it("waits for the lock of a process that lives", async () => {
        lock(process.pid);
        bench.stub("sleep", `exec ${find("sleep")} "$@"`);
        const { closed } = start();
        await until(() => bench.calls.filter((call) => call === "sleep 0.1").length >= 3);
        expect(existsSync(path.join(certificates(), "key.pem"))).toBe(false);
        expect(readlinkSync(`${certificates()}.locked`)).toBe(`${process.pid}`);
        rmSync(`${certificates()}.locked`);
        expect((await closed).status).toBe(0);
    });

    it("gives up on a lock that is never let go, and says how to go on", async () => {
        bench.stub("sleep");
        lock(process.pid);
        const file = `${certificates()}.locked`;
        expect(await connect()).toMatchObject({
            status: 1,
            stderr: `connect: ${file} has been held for a minute by process ${process.pid}. If that is no connect: rm ${file}\n`,
        });
    });

    it("says that it cannot make a lock", async () => {
        bench.stub("sleep");
        bench.stub("ln", "exit 1");
        expect(await connect()).toMatchObject({
            status: 1,
            stderr: `connect: cannot make the link ${certificates()}.locked\n`,
        });
    });

    it("says that it needs a HOME", async () => {
        expect(await connect({ env: { HOME: undefined } })).toMatchObject({
            status: 1,
            stderr: "connect: HOME is not set, so there is no place for buildx's configuration. Set HOME or DOCKER_CONFIG.\n",
        });
        expect(lines("woken")).toEqual([]);
    });

    it("goes by DOCKER_CONFIG and BUILDX_CONFIG as buildx does", async () => {
        order("home/other/buildx-store/instances/demo-dev", '{"Nodes":[{"Name":"demo-dev-riscv64"}]}');
        const env = {
            HOME: undefined,
            DOCKER_CONFIG: bench.path("home/other/docker"),
            BUILDX_CONFIG: bench.path("home/other/buildx-store"),
        };
        expect(await connect({ env })).toMatchObject({ status: 0 });
        expect(bench.read("home/other/docker/native-buildx/demo-dev/key.pem")).toBe(key);
        expect(JSON.parse(bench.read("home/other/buildx-store/instances/demo-dev")).Nodes).toHaveLength(2);
        expect(buildxCalls("rm")).toHaveLength(1);
    });

    it("says that it needs buildx, and where it is", async () => {
        rmSync(bench.path("bin/docker"));
        const stderr =
            "connect: docker buildx is needed and was not found. Install Docker's buildx plugin: https://docs.docker.com/go/buildx/\n";
        expect(await connect()).toMatchObject({ status: 1, stderr });
        bench.stub("docker", "echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1");
        expect(await connect()).toMatchObject({ status: 1, stderr });
        expect(lines("woken")).toEqual([]);
    });

    it("makes do with buildx alone", async () => {
        rmSync(bench.path("bin/docker"));
        bench.stub("buildx", fakeBuildx);
        expect(await connect()).toMatchObject({ status: 0 });
        expect(nodesOf("demo-dev")).toEqual(both);
        expect(existsSync(path.join(config(), "cli-plugins"))).toBe(false);
    });

    it("links buildx for a docker that has no such plugin", async () => {
        order("no-plugin");
        bench.stub("buildx", fakeBuildx.replaceAll("$bench/no-plugin", "$bench/never"));
        const plugin = path.join(config(), "cli-plugins/docker-buildx");
        const { status, stderr } = await connect();
        expect(status).toBe(0);
        expect(stderr).toMatch(/^docker had no buildx plugin: linked \S+\/bin\/buildx into \S+\/cli-plugins\n/);
        expect(statSync(plugin).ino).toBe(statSync(bench.path("bin/buildx")).ino);
    });

    it("passes a BUILDX_BUILDER or BUILDKIT_HOST of the caller to nobody", async () => {
        await connect();
        // Only the question whether buildx is there comes before they are put away.
        expect(lines("led-astray")).toEqual(["version"]);
    });

    it("shows no key in the arguments of any process", async () => {
        for (const program of programs) {
            bench.stub(program, `exec ${find(program)} "$@"`);
        }
        await connect();
        expect(bench.calls.length).toBeGreaterThan(10);
        expect(bench.read("calls")).not.toMatch(/BODY|PRIVATE KEY|CERTIFICATE/);
    });

    it("leaves standard input, which the script is on, to the shell", async () => {
        // More than a shell reads in advance: whoever else read would get some of it.
        const after = "# not for others\n".repeat(10_000);
        const { stdout } = await connect({ after });
        expect(stdout).toBe("end of script\n");
        expect(bench.read("stdin")).toBe("");
    });

    it("with --prepare does only that, once a kind, and needs neither buildx nor HOME", async () => {
        rmSync(bench.path("bin/docker"));
        expect(await connect({ args: ["--prepare"], env: { HOME: undefined } })).toMatchObject({
            status: 0,
            stderr: "",
        });
        expect(lines("prepared")).toEqual(["local"]);
        expect(lines("woken")).toEqual([]);
    });

    it("prepares once, before it wakes, and goes no further if that fails", async () => {
        await connect();
        expect(lines("prepared")).toEqual(["local"]);
        order("unprepared");
        rmSync(bench.path("woken"));
        expect(await connect()).toMatchObject({
            status: 1,
            stderr: "registry: did not start\nconnect: could not prepare\n",
        });
        expect(lines("woken")).toEqual([]);
        expect(await connect({ args: ["--prepare"] })).toMatchObject({ status: 1 });
    });

    it("with --keep-awake only proves that they serve", async () => {
        await connect();
        writeFileSync(bench.path("calls"), "");
        rmSync(bench.path("woken"));
        rmSync(bench.path("prepared"));
        const args = ["--keep-awake", "linux/arm64"];
        expect(await connect({ args })).toMatchObject({ status: 0, stderr: "" });
        expect(buildxCalls("build")).toEqual([
            expect.stringContaining("--builder demo-dev-arm64 --platform linux/arm64"),
        ]);
        expect(buildxCalls("create")).toEqual([]);
        expect([...lines("woken"), ...lines("prepared")]).toEqual([]);

        order("dead-demo-dev-arm64");
        expect(await connect({ args })).toMatchObject({
            status: 1,
            stderr: expect.stringContaining("linux/arm64: the runner at its last address does not serve: ERROR:"),
        });
        expect(lines("woken")).toEqual([]);
    });

    it.each([
        ["SIGTERM", 143],
        ["SIGINT", 130],
    ] as const)("on %s ends with status %d and leaves no folder behind", async (signal, status) => {
        order("slow-arm64");
        const { child, exited } = start();
        await until(() => lines("woken").length === 2);
        expect(readdirSync(bench.path("tmp"))).toHaveLength(1);
        child.kill(signal);
        expect((await exited).status).toBe(status);
        expect(readdirSync(bench.path("tmp"))).toEqual([]);
    });

    it("says that it cannot write where buildx's configuration is", async () => {
        writeFileSync(bench.path("home/.docker"), "a file\n");
        chmodSync(bench.path("home/.docker"), 0o600);
        const { status, stderr } = await connect();
        expect(status).toBe(1);
        expect(stderr).toMatch(/connect: cannot write to \S+\/\.docker\n$/);
    });

    it("keeps two stacks of one machine apart", async () => {
        await Promise.all([connect(), connect({ builder: "demo-other" })]);
        expect(nodesOf("demo-dev")).toEqual(both);
        expect(nodesOf("demo-other")).toEqual({ "demo-other-amd64": "tcp://a:1", "demo-other-arm64": "tcp://b:1" });
        expect(readdirSync(path.join(config(), "native-buildx")).sort()).toEqual(["demo-dev", "demo-other"]);
    });
});
