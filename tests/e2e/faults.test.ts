import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { checkout } from "../helpers/checkout";
import { describeHere } from "../helpers/needs";
import { archs, asleepFor, fromStep, writes } from "../helpers/stepImage";
import { inMidBuild } from "./midBuild";
import { commandOf, descendants, kill, until } from "./processes";
import { Project, unchanged } from "./project";

jest.setTimeout(300_000);

// Each fault ends with the right image after the next up, with nothing lost and nothing to repair by hand.
describeHere("after a fault, the next up is right", () => {
    let project: Project;

    beforeAll(async () => {
        project = await Project.create("faults", { idleMinutes: 15 });
        project.context("image", [...fromStep, writes("at first")]);
        project.configure({ images: { image: { context: "image" } } });
        await project.init();
        await project.succeed(project.up());
    });

    afterAll(() => project?.end());

    const change = (...steps: string[]) => project.context("image", [...fromStep, ...steps]);

    /** What `make up` does first. */
    async function unlock(): Promise<string> {
        const script = `. ${checkout}/tools/stack.sh && select_stack faults`;
        return (await project.succeed(project.run("sh", ["-c", script]))).output;
    }

    async function expectImage(text: string): Promise<void> {
        await project.succeed(project.up());
        expect(await project.platformsOf("image")).toEqual(["linux/amd64", "linux/arm64"]);
        for (const arch of archs) {
            expect(await project.fileIn("image", arch, "result")).toBe(text);
        }
    }

    it("buildkitd killed in mid-build", async () => {
        change(asleepFor(8), writes("despite the kill"));
        const running = project.startUp();
        await inMidBuild(running, ...archs);
        const supervisor = project.pid("arm64");
        process.kill(project.buildkitdPid("arm64"), "SIGKILL");
        const { code, output } = await running.done;

        expect(code).not.toBe(0);
        // What the stack had is not shown as removed.
        expect(output).toMatch(/^Outputs:$/m);
        expect(output).not.toMatch(/^ +- (connect|images|receipts)\b/m);
        // The step that was running went with it.
        await until("the runner's processes to be gone", () => project.pid("arm64") !== supervisor);
        await expectImage("despite the kill");
    });

    it("the registry stopped in mid-push", async () => {
        const repository = path.join(project.runnerFolder("registry"), "data/docker/registry/v2/repositories");
        const uploads = () => {
            const folder = path.join(repository, "native-buildx/image/_uploads");
            return existsSync(folder) ? readdirSync(folder).length : 0;
        };
        // Big enough that the push takes a while.
        change('RUN ["/step", "fill", "/filling", "250"]', writes("pushed in the end"));
        const running = project.startUp();
        await until("a push to begin", () => {
            if (running.child.exitCode !== null) {
                throw new Error(`the up ended early:\n${running.said()}`);
            }
            return uploads() > 0;
        });
        process.kill(project.pid("registry"), "SIGKILL");
        const { code } = await running.done;

        expect(code).not.toBe(0);
        await expectImage("pushed in the end");
    });

    it("Ctrl-C in mid-build", async () => {
        change(asleepFor(6), writes("after Ctrl-C"));
        const running = project.startUp();
        await inMidBuild(running, ...archs);
        // As a terminal does: the whole process group.
        process.kill(-(running.child.pid as number), "SIGINT");
        const { code } = await running.done;

        expect(code).not.toBe(0);
        expect(await project.state("amd64")).toBe("serving");
        await expectImage("after Ctrl-C");
    });

    it("an up that was killed, whose lock is left", async () => {
        change(asleepFor(6.5), writes("after the lock"));
        const running = project.startUp();
        await inMidBuild(running, ...archs);
        process.kill(-(running.child.pid as number), "SIGKILL");
        await running.done;
        expect((await project.up()).output).toMatch(/locked/);

        expect(await unlock()).toContain("Removing the lock of an interrupted run");
        await expectImage("after the lock");
    });

    it("a closed terminal, and a killed provider, leave no login among the temporary files", async () => {
        const temporary = path.join(project.folder, "temporary");
        mkdirSync(temporary);
        const env = { TMPDIR: temporary };
        const left = () => readdirSync(temporary).filter((name) => name.startsWith("native-buildx-"));

        change(asleepFor(6.6), writes("after a closed terminal"));
        const closed = project.startUp(env);
        await inMidBuild(closed, ...archs);
        expect(left()).not.toEqual([]);
        // As a terminal does: the whole process group.
        process.kill(-(closed.child.pid as number), "SIGHUP");
        await closed.done;
        await until("the login to be removed", () => left().length === 0);
        await unlock();

        const running = project.startUp(env);
        await inMidBuild(running, ...archs);
        const providers = descendants(running.child.pid ?? 0).filter((pid) =>
            commandOf(pid).includes("pulumi-resource-native-buildx"),
        );
        for (const pid of providers) {
            kill(pid);
        }
        expect((await running.done).code).not.toBe(0);
        expect(left()).not.toEqual([]);
        await project.succeed(project.up(env));
        expect(left()).toEqual([]);
        await expectImage("after a closed terminal");
    });

    it("a lock that is not stale is respected", async () => {
        change(asleepFor(5), writes("undisturbed"));
        const running = project.startUp();
        await inMidBuild(running, ...archs);
        const script = `. ${checkout}/tools/stack.sh && select_stack faults`;
        const second = await project.run("sh", ["-c", script]);

        expect(second.code).not.toBe(0);
        expect(second.output).toContain("Another pulumi command is at work on stack faults");
        await project.succeed(running.done);
        await expectImage("undisturbed");
    });

    it("a stale builder record from an earlier stack", async () => {
        const records = path.join(project.machine.user, ".docker/buildx");
        const [stack = ""] = readdirSync(path.join(records, "native-buildx/stacks"));
        const own = `native-buildx/stacks/${stack}/instances`;
        const node = (name: string, port: number) => ({
            Name: name,
            Endpoint: `tcp://127.0.0.1:${port}`,
            Platforms: [{ architecture: "arm64", os: "linux" }],
            DriverOpts: { cacert: "/nowhere/ca.pem", cert: "/nowhere/cert.pem", key: "/nowhere/key.pem" },
        });
        // Another's node under our name, one of ours at another address, and one at the address of ours.
        const stale = {
            "native-buildx-faults": [node("native-buildx-faults-riscv64", 9), node("native-buildx-faults-arm64", 9)],
            "native-buildx-faults-arm64": [node("elsewhere", project.port + 2)],
            "native-buildx-faults-amd64": [node("native-buildx-faults-amd64", 9)],
        };
        for (const [name, nodes] of Object.entries(stale)) {
            const record = { Name: name, Driver: "remote", Nodes: nodes, Dynamic: false };
            for (const folder of ["instances", own]) {
                mkdirSync(path.join(records, folder), { recursive: true });
                writeFileSync(path.join(records, folder, name), JSON.stringify(record));
            }
        }
        change(writes("with new records"));
        await expectImage("with new records");

        const recordIn = (folder: string) => readFileSync(path.join(records, folder, "native-buildx-faults"), "utf8");
        expect(recordIn(own)).not.toContain("riscv64");
        // Those by hand are whoever's who has connected last.
        expect(recordIn("instances")).toContain("riscv64");
    });

    it("laptop and CI taking turns rebuild nothing", async () => {
        const ci = path.join(project.folder, "ci");
        mkdirSync(path.join(ci, "user"), { recursive: true });
        // A clone of its own, elsewhere, with a home of its own; the stack is the same.
        for (const name of ["Pulumi.yaml", "Pulumi.faults.yaml", "image"]) {
            cpSync(path.join(project.folder, name), path.join(ci, name), { recursive: true });
        }
        for (const name of ["components", "configuration", "provider"]) {
            cpSync(path.join(checkout, name), path.join(ci, name), { recursive: true });
        }
        cpSync(path.join(checkout, "index.ts"), path.join(ci, "index.ts"));
        symlinkSync(path.join(checkout, "node_modules"), path.join(ci, "node_modules"));
        const upThere = () =>
            project.succeed(
                project.run("sh", ["-c", 'cd "$0" && pulumi up --yes --skip-preview --stack faults', ci], {
                    env: { HOME: path.join(ci, "user") },
                }),
            );

        await project.succeed(project.up());
        for (const turn of [upThere, () => project.succeed(project.up()), upThere]) {
            expect((await turn()).output).toMatch(unchanged);
        }
        // And a build of CI's, with a builder record of its own, is none of the laptop's.
        const changed = path.join(ci, "image/Dockerfile");
        writeFileSync(changed, [...fromStep, writes("built by CI"), ""].join("\n"));
        expect((await upThere()).output).toContain("image-arm64: built for linux/arm64");
        cpSync(changed, path.join(project.folder, "image/Dockerfile"));
        expect((await project.succeed(project.up())).output).toMatch(unchanged);
        await expectImage("built by CI");
    });
});

describeHere("a full disk under the runner's root", () => {
    let project: Project;
    let root: string;

    beforeAll(async () => {
        project = await Project.create("full");
        root = path.join(project.runnerFolder("amd64"), "root");
        mkdirSync(root, { recursive: true });
        execFileSync("mount", ["-t", "tmpfs", "-o", "size=40m", "tmpfs", root]);
        project.context("image", [...fromStep, 'RUN ["/step", "fill", "/filling", "60"]', writes("fits")]);
        project.configure({ platforms: ["linux/amd64"], images: { image: { context: "image" } } });
        await project.init();
    });

    afterAll(async () => {
        project?.stopRunners("amd64");
        try {
            execFileSync("umount", ["--lazy", root]);
        } finally {
            await project?.end();
        }
    });

    it("says so, and builds once there is room", async () => {
        const { code, output } = await project.up();
        expect(code).not.toBe(0);
        expect(output).toMatch(/no space left on device/);

        execFileSync("mount", ["-o", "remount,size=1g", root]);
        await project.succeed(project.up());
        expect(await project.fileIn("image", "amd64", "result")).toBe("fits");
    });
});

describeHere("two stacks of one machine", () => {
    const projects: Project[] = [];

    afterAll(() => Promise.all(projects.map((project) => project.end())));

    it("build side by side, sharing a data folder, a home and a state", async () => {
        const first = await Project.create("left");
        projects.push(first);
        const second = await Project.create("right", {}, { machine: first.machine, port: first.port + 5 });
        projects.push(second);
        for (const project of projects) {
            project.context("image", [...fromStep, asleepFor(2), writes(project.stack)]);
            project.configure({ images: { image: { context: "image" } } });
            await project.init();
        }
        await Promise.all(projects.map((project) => project.succeed(project.up())));

        for (const project of projects) {
            for (const arch of archs) {
                expect(await project.fileIn("image", arch, "result")).toBe(project.stack);
            }
        }
        // One goes, the other stays.
        await first.succeed(first.pulumi("destroy", "--yes", "--skip-preview"));
        expect(await second.state("amd64")).toBe("serving");
        expect(existsSync(path.join(first.machine.home, "native-buildx-left"))).toBe(false);
        await second.succeed(second.pulumi("destroy", "--yes", "--skip-preview"));
        rmSync(second.folder, { recursive: true, force: true });
    });
});
