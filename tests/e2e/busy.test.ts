import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import * as path from "node:path";
import { describeHere } from "../helpers/needs";
import { type Arch, asleepFor, fromStep, platforms, writes } from "../helpers/stepImage";
import type { Running } from "./commands";
import { commandOf, descendants, until } from "./processes";
import { Project } from "./project";

jest.setTimeout(600_000);

/** The platform that this machine is native for. */
const arch: Arch = process.arch === "arm64" ? "arm64" : "amd64";
const platform = Object.entries(platforms).find(([, suffix]) => suffix === arch)?.[0] ?? "";

const eats = (mebibytes: number, seconds: number) => `RUN ["/step", "eat", "${mebibytes}", "${seconds}"]`;
const burns = (seconds: number) => `RUN ["/step", "burn", "${seconds}"]`;

/** BuildKit runs a step once for all who ask for the same at the same time: these are not the same. */
const apart = (name: string) => [...fromStep, `ENV NAME="${name}"`];

/** What a client of the runner has: a home of its own. */
class Client {
    private readonly env: NodeJS.ProcessEnv;

    constructor(
        private readonly project: Project,
        private readonly name: string,
    ) {
        const home = path.join(project.folder, "clients", name);
        mkdirSync(home, { recursive: true });
        this.env = { HOME: home };
    }

    /** Connects by the stack's script, and builds a context into a folder. */
    build(connect: string, context: string): Running {
        const words = ["--builder", "native-buildx-busy", "--progress", "plain", "--provenance=false"];
        const build = ["buildx", "build", ...words, "--output", `type=local,dest=${this.output}`, context];
        return this.project.start("sh", ["-c", 'sh && exec "$@"', "sh", ...build], { env: this.env, input: connect });
    }

    buildx(...words: string[]): Promise<string> {
        return this.project
            .succeed(this.project.run("buildx", words, { env: this.env }))
            .then(({ output }) => output.trim());
    }

    get result(): string {
        return readFileSync(path.join(this.output, "result"), "utf8");
    }

    private get output(): string {
        return path.join(this.project.folder, "outputs", this.name);
    }
}

describeHere("a runner that many use", () => {
    let project: Project;
    let connect: string;

    beforeAll(async () => {
        project = await Project.create("busy", { platforms: [platform], stepMemoryMegabytes: 200, idleMinutes: 30 });
        project.context("image", [...fromStep, writes("at first")]);
        project.configure({ images: { image: { context: "image" } } });
        await project.init();
        await project.succeed(project.up());
        connect = await project.connectScript();
    });

    afterAll(() => project?.end());

    const stepsThatRun = (word: string) =>
        descendants(project.pid(arch)).filter((pid) => commandOf(pid).startsWith(`/step ${word} `)).length;

    it("outlives a step that eats all memory, and so does another client's build", async () => {
        const daemon = project.buildkitdPid(arch);
        const neighbour = new Client(project, "neighbour");
        project.context("modest", [...fromStep, eats(30, 15), writes("undisturbed")]);
        const building = neighbour.build(connect, "modest");
        await until("the neighbour's step has its memory", () => building.said().includes("holding 30 MiB"));

        project.context("image", [...fromStep, eats(400, 60)]);
        const { code, output } = await project.up();
        expect(code).not.toBe(0);
        expect(output).toMatch(
            /The step (ran out of memory|was killed \(137\), as a rule because it ran out of memory): /,
        );
        expect(output).toContain("stepMemoryMegabytes");

        await project.succeed(building.done);
        expect(neighbour.result).toBe("undisturbed");
        expect(project.buildkitdPid(arch)).toBe(daemon);

        project.context("image", [...fromStep, eats(100, 0), writes("with less memory")]);
        await project.succeed(project.up());
        expect(await project.fileIn("image", arch, "result")).toBe("with less memory");
    });

    it("has steps that the kernel ends before BuildKit, where the machine's own memory is used up", async () => {
        project.context("adjusted", [
            ...fromStep,
            'RUN ["/step", "expect", "/proc/self/oom_score_adj", "1000\\\\n"]',
            writes("first"),
        ]);
        const client = new Client(project, "adjusted");
        await project.succeed(client.build(connect, "adjusted").done);
        expect(client.result).toBe("first");
        expect(Number(readFileSync(`/proc/${project.buildkitdPid(arch)}/oom_score_adj`, "utf8"))).toBeLessThan(1000);
    });

    it("serves twenty clients at once: none is lost, all get their own, and steps wait for each other", async () => {
        const [cores, seconds] = [availableParallelism(), 2];
        const names = Array.from({ length: 20 }, (_, at) => `client-${at + 1}`);
        for (const name of names) {
            project.context(name, [...apart(name), burns(seconds), writes(`of ${name}`)]);
        }
        const began = Date.now();
        const took: number[] = [];
        const clients = names.map((name) => {
            const client = new Client(project, name);
            const done = project.succeed(client.build(connect, name).done).then(() => {
                took.push((Date.now() - began) / 1000);
            });
            return { name, client, done };
        });
        let most = 0;
        const watch = setInterval(() => {
            most = Math.max(most, stepsThatRun("burn"));
        }, 50);
        try {
            await Promise.all(clients.map(({ done }) => done));
        } finally {
            clearInterval(watch);
        }

        expect(clients.map(({ client }) => client.result)).toEqual(names.map((name) => `of ${name}`));
        expect(most).toBeGreaterThan(1);
        expect(most).toBeLessThanOrEqual(Math.max(4, 2 * cores));
        const ideal = (names.length * seconds) / cores;
        const [fastest = 0, slowest = 0] = [Math.min(...took), Math.max(...took)];
        process.stderr.write(
            `${names.length} clients at once, ${seconds} s of a core each, ${cores} cores: the fastest had its image after ` +
                `${fastest.toFixed(1)} s, the slowest after ${slowest.toFixed(1)} s, ideal ${ideal.toFixed(1)} s; ` +
                `${most} steps at once at most\n`,
        );
    });

    it("shows its history to whoever is connected: every client's builds, and their logs", async () => {
        const words = ["--builder", "native-buildx-busy"];
        const list = async (name: string) => {
            const format = ["--format", "{{.Ref}} {{.Name}} {{.Status}}"];
            const lines = await new Client(project, name).buildx("history", "ls", ...words, ...format);
            return lines.split("\n").map((line) => line.split(" "));
        };
        const builds = await list("client-1");
        // What `pulumi up` built has its name for everybody.
        const failed = builds.filter(([, , status]) => status === "Error");
        expect(failed.map(([, name]) => name)).toEqual([`image:latest-${arch}`]);
        expect(builds.filter(([, , status]) => status === "Completed").length).toBeGreaterThan(20);
        // By name, as buildx knows what it built itself; and then for another client.
        const [ref = ""] = (await list("client-7")).find(([, name]) => name === "client-7") ?? [];
        expect(builds.map(([other]) => other)).toContain(ref);
        const log = await new Client(project, "client-1").buildx(
            "history",
            "logs",
            ...words,
            "--progress",
            "plain",
            ref,
        );
        expect(log).toContain("of client-7");
    });

    it("runs as many steps at once as maxParallelism says", async () => {
        project.configure({ maxParallelism: 1 });
        project.context("image", [...fromStep, writes("one after the other")]);
        await project.succeed(project.up());
        const bounded = await project.connectScript();
        const clients = ["first", "second", "third"].map((name) => {
            project.context(name, [...apart(name), asleepFor(3), writes(`of ${name}`)]);
            const client = new Client(project, name);
            return { client, done: client.build(bounded, name).done };
        });
        let most = 0;
        const watch = setInterval(() => {
            most = Math.max(most, stepsThatRun("sleep"));
        }, 50);
        await Promise.all(clients.map(({ done }) => project.succeed(done))).finally(() => clearInterval(watch));
        expect(most).toBe(1);
        expect(clients.map(({ client }) => client.result)).toEqual(["of first", "of second", "of third"]);
    });
});

describeHere("a long day of many builds on a small disk", () => {
    let project: Project;
    let root: string;

    beforeAll(async () => {
        // It looks at its disk every five seconds.
        project = await Project.create("busy", { platforms: [platform], idleMinutes: 1 });
        root = path.join(project.runnerFolder(arch), "root");
        mkdirSync(root, { recursive: true });
        execFileSync("mount", ["-t", "tmpfs", "-o", "size=600m", "tmpfs", root]);
        await project.init();
        await project.succeed(project.up());
    });

    afterAll(async () => {
        project?.stopRunners(arch);
        try {
            execFileSync("umount", ["--lazy", root]);
        } finally {
            await project?.end();
        }
    });

    it("never fills the disk: what no build uses is collected, and each build is right", async () => {
        const client = new Client(project, "all-day");
        const connect = await project.connectScript();
        for (let build = 1; build <= 14; build += 1) {
            project.context("app", [
                ...apart(`build ${build}`),
                'RUN ["/step", "fill", "/filling", "60"]',
                writes(`build ${build}`),
            ]);
            await project.succeed(client.build(connect, "app").done);
            expect(client.result).toBe(`build ${build}`);
        }
    });
});
