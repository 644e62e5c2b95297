import { execFileSync } from "node:child_process";
import { cpSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { checkout } from "../helpers/checkout";
import {
    armKit,
    Cluster,
    type ClusterBuild,
    type ClusterNode,
    clusterKit,
    missingCluster,
} from "../helpers/compileCluster";
import { debianRoot } from "../helpers/debianRoot";
import { describeUnless, missingTwins } from "../helpers/needs";
import { hungUp, OtherScheduler } from "./otherIcecream";
import { until } from "./processes";

jest.setTimeout(900_000);

const inCluster = { COMPILE_CLUSTER: "/dev/.compile-cluster/bin" };
/** Of the library, for steps that take long. */
const few = { SOURCES: "bitstream encoder fft gain_analysis newmdct" };

describeUnless(missingCluster())("a compile cluster of two runners with a core each", () => {
    const cluster = new Cluster();
    const { first, second } = cluster;
    let again = 0;

    beforeAll(() => cluster.start());
    afterAll(() => cluster.end());

    /** A context by the architecture of its root. */
    function contextOf(architecture: "amd64" | "arm64"): string {
        const folder = path.join(cluster.folder, `context-${architecture}`);
        if (readdirSync(cluster.folder).includes(path.basename(folder))) {
            return folder;
        }
        const example = path.join(cluster.folder, "encoder");
        cpSync(path.join(__dirname, "compileCluster"), folder, { recursive: true });
        cpSync(path.join(__dirname, "emulation/words.cc"), path.join(folder, "words.cc"));
        cpSync(path.join(checkout, "examples/encoder/app/libmp3lame.mk"), path.join(folder, "libmp3lame.mk"));
        linkSync(debianRoot(cluster.folder, architecture, undefined, "g++,ccache"), path.join(folder, "rootfs.tar"));
        const sources = path.join(example, "app/source");
        const source = readdirSync(sources).find((name) => name.endsWith(".orig.tar.gz")) ?? "";
        execFileSync("sh", ["-c", 'gunzip <"$0" >"$1"', path.join(sources, source), path.join(folder, "encoder.tar")]);
        return folder;
    }

    /** On the first runner. Resolves to what it said, and what it made by file. */
    async function build(
        args: { [name: string]: string },
        architecture: "amd64" | "arm64" = "amd64",
    ): Promise<ClusterBuild & { made: (file: string) => string }> {
        const output = path.join(cluster.folder, `out${++again}`);
        const all = { ...args, AGAIN: String(again) };
        const built = await first.build(contextOf(architecture), output, all, `linux/${architecture}`);
        return { ...built, made: (file) => readFileSync(path.join(output, file), "utf8") };
    }

    /** Jobs that a scheduler gave each node since its log had so many characters. */
    function shares(scheduler = first, from = 0): number[] {
        const log = scheduler.read("cluster/scheduler.log").slice(from);
        return cluster.nodes.map(({ address }) => log.split(`in joblist of ${address}`).length - 1);
    }

    describe("compiles a library", () => {
        it("on both of them, to the objects that it has at home", async () => {
            await cluster.joined();
            const home = await build({});
            expect(shares()).toEqual([0, 0]);
            expect(second.helped()).toBe(0);

            const { made, said } = await build(inCluster);
            expect(made("digests").trimEnd().split("\n").length).toBeGreaterThan(20);
            expect(made("digests")).toBe(home.made("digests"));
            expect(made("words.d")).toBe(home.made("words.d"));
            expect(made("left")).toBe(home.made("left"));
            expect(said).not.toContain("ICECC");
            for (const share of shares()) {
                expect(share).toBeGreaterThan(1);
            }
            expect(second.helped()).toBeGreaterThan(0);
            expect(first.helped()).toBe(0);
        });

        it("and of what the source asks the compiler itself, or is warned of, to what is made and said at home", async () => {
            const files = { SOURCES: "parallel placed targeted indented", FLAGS: "-O2 -fopenmp -Wall" };
            const home = await build(files);
            const { made, said } = await build({ ...files, ...inCluster });
            expect(made("digests")).toBe(home.made("digests"));
            expect(made("symbols")).toMatch(/ U GOMP_parallel\n.* U started_elsewhere\n/s);
            const messages = (text: string) =>
                text
                    .split("\n")
                    .filter((line) => /\.c:|^ +\d* \| /.test(line))
                    .sort();
            expect(messages(said)).toEqual(messages(home.said));
            expect(said).toContain("[-Wmisleading-indentation]");
            expect(said).toContain("#pragma message: placed");
        });

        it("and at home at once, where there was something to say the last time", async () => {
            const file = { SOURCES: "placed", FLAGS: "-O2", ...inCluster };
            const asked = [];
            for (const expected of ["in a step", "in the next"]) {
                const from = first.read("cluster/scheduler.log").length;
                const { said } = await build(file);
                expect([expected, said]).toEqual([expected, expect.stringContaining("#pragma message: placed")]);
                asked.push(shares(first, from).reduce((sum, share) => sum + share));
            }
            expect(asked).toEqual([1, 0]);
        });

        it("and the example, whose Dockerfile asks for it in one line", async () => {
            const context = path.join(cluster.folder, "example");
            cpSync(path.join(checkout, "examples/cluster"), context, { recursive: true });
            linkSync(path.join(contextOf("amd64"), "rootfs.tar"), path.join(context, "rootfs.tar"));
            const dockerfile = path.join(context, "Dockerfile");
            // In place of the named context.
            writeFileSync(dockerfile, `FROM scratch AS base\nADD rootfs.tar /\n${readFileSync(dockerfile, "utf8")}`);
            const programs = [{}, inCluster].map(async (args, at) => {
                const output = path.join(cluster.folder, `example${at}`);
                const { said } = await first.build(context, output, args, "linux/amd64");
                expect(said).toMatch(/\d+ different words/);
                return readFileSync(path.join(output, "words"));
            });
            const from = first.read("cluster/scheduler.log").length;
            const [home, together] = await Promise.all(programs);
            expect(together?.equals(home as Buffer)).toBe(true);
            expect(shares(first, from).reduce((sum, share) => sum + share)).toBe(3);
        });

        it("and says whose compiler it does not know, which compiles at home", async () => {
            const before = shares();
            const output = path.join(cluster.folder, "unknown");
            const args = { ...inCluster, AGAIN: "unknown" };
            const { said } = await first.build(contextOf("amd64"), output, args, "linux/amd64", "unknown");
            expect(said).toMatch(
                /native-buildx: the compile cluster does not know cc1 \([0-9a-f]{16}\): compiled at home/,
            );
            expect(shares()).toEqual(before);
        });
    });

    (missingTwins() ? describe.skip : describe)("compiles a library in an emulated step", () => {
        beforeAll(() => first.useToolchains());
        afterAll(() => first.leaveToolchains());

        it("on both of them, to the objects that the dispatcher makes, by twins and originals", async () => {
            // As many, so that not all of them stay at home.
            const files = { SOURCES: `${few.SOURCES} asked1 asked2 asked3 asked4 asked5 asked6` };
            const home = await build(files, "arm64");
            const from = first.read("cluster/scheduler.log").length;
            const { made } = await build({ ...files, ...inCluster }, "arm64");
            expect(made("digests")).toBe(home.made("digests"));
            expect(made("left")).toBe(home.made("left"));
            for (const share of shares(first, from)) {
                expect(share).toBeGreaterThan(0);
            }
        });
    });

    describe("whose environments do not run where they are sent", () => {
        const environments = path.join(cluster.kit, "steps/environments");

        /** Programs for a machine that there is not, by a name that no runner has. */
        function breakEnvironments(): void {
            const folder = path.join(cluster.folder, "broken");
            const script = `mkdir -p usr/bin bin && printf '#!/nowhere' >bin/true && cp bin/true usr/bin/as && cp bin/true usr/bin/gcc &&
                head -c 2000 /dev/urandom >noise && chmod 755 bin/true usr/bin/* && tar -czf "$0/broken.tar.gz" . &&
                sed -i 's/^helper x86_64 .*/helper x86_64 broken.tar.gz/' "$0"/*-x86_64`;
            mkdirSync(folder);
            execFileSync("sh", ["-euc", script, environments], { cwd: folder });
        }

        it("compiles at home, and says who refused", async () => {
            const home = await build(few);
            breakEnvironments();
            const { made, said } = await build({ ...few, ...inCluster });
            expect(said).toContain(`remote ${second.address} unable to handle environment`);
            expect(made("digests")).toBe(home.made("digests"));
            rmSync(environments, { recursive: true });
            cpSync(path.join(clusterKit, "steps/environments"), environments, { recursive: true });
        });
    });

    describe("that loses the runner that helps and schedules, in mid-build", () => {
        const uses = (node: ClusterNode) =>
            until(`the first uses the scheduler at ${node.address}`, () => {
                const all = first.read("log").match(/uses the scheduler at \S+/g) ?? [];
                return all.at(-1)?.endsWith(` ${node.address}`) === true;
            });

        let left: string;

        it("compiles on at home, to the same", async () => {
            const home = await build({});
            left = home.made("left");
            // The second is the first of the list from now on.
            cluster.list([second, first]);
            await cluster.joined(second);
            const from = second.read("cluster/scheduler.log").length;
            const building = build(inCluster);
            await until("it helps", () => shares(second, from).every((share) => share > 0));
            await second.kill();
            const { made } = await building;
            expect(made("digests")).toBe(home.made("digests"));
            await uses(first);
        });

        it("uses no other version of icecream in its place, says so once, and compiles at home", async () => {
            const refusals = () =>
                first.read("log").match(/\S+ speaks another version of icecream \(\d+, ours is 43\)/g) ?? [];
            const refusal = (version: number) =>
                `${second.address} speaks another version of icecream (${version}, ours is 43)`;
            const older = new OtherScheduler(cluster, { node: second, version: 29 });
            await until("the older is refused", () => refusals().length > 0);
            const from = first.read("cluster/scheduler.log").length;
            const { made } = await build({ ...inCluster, ...few });
            expect(made("left")).toBe(left);
            expect(shares(first, from)[1]).toBe(0);
            await until("the older is asked again", () => older.asked > 1);
            older.end();

            const newer = new OtherScheduler(cluster, { node: second, version: 1000 });
            await until("the newer is refused", () => refusals().length > 1);
            newer.end();
            expect(refusals()).toEqual([refusal(29), refusal(1000)]);
            await uses(first);
            // Of its daemon too: it says its own version, and hangs up.
            expect(await hungUp(cluster, { from: second, to: first, version: 20 })).toEqual([43, 0, 0, 0]);
        });

        it("uses its scheduler again when it is back", async () => {
            await cluster.startNode(second);
            await uses(second);
        });
    });

    const noArm = missingTwins() ?? (existsSync(armKit) ? undefined : "no node of an ARM machine");
    (noArm ? describe.skip : describe)("with an ARM machine, here emulated, that gets all jobs", () => {
        const one = { SOURCES: "fft" };

        beforeAll(async () => {
            first.useToolchains();
            await Promise.all(cluster.nodes.map((node) => node.kill()));
            cluster.list(cluster.nodes);
            first.jobs = 0;
            second.kit = armKit;
            const from = first.read("cluster/scheduler.log").length;
            await cluster.startNode(first);
            await cluster.startNode(second);
            await cluster.joined(first, from);
        });
        afterAll(() => first.leaveToolchains());

        it.each([
            ["amd64", "x86_64"],
            ["arm64", "aarch64"],
        ] as const)("compiles for %s there, to the code that it has at home", async (architecture, machine) => {
            const home = await build(one, architecture);
            const from = first.read("cluster/scheduler.log").length;
            const { made } = await build({ ...one, ...inCluster }, architecture);
            expect(shares(first, from)).toEqual([0, 1]);
            expect(made("code")).toBe(home.made("code"));
            expect(second.read("cluster/daemon.log")).toMatch(new RegExp(`installed \\S+-${machine}-aarch64-`));
            expect(second.helped()).toBeGreaterThan(0);
        });
    });
});
