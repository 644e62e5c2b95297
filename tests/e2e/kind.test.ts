import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { stackNameOf } from "../../components/stackName";
import { checkout } from "../helpers/checkout";
import { freePortsInRow } from "../helpers/freePorts";
import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { commandOf } from "./processes";
import { Project, unchanged } from "./project";

jest.setTimeout(300_000);

/** The real program, with one row more in its table of kinds: that of tests/kind. Nothing else knows of it. */
class KindProject extends Project {
    static async withDaemons(settings: { [name: string]: unknown }): Promise<KindProject> {
        const project = new KindProject("dev", settings, {});
        project.port = await freePortsInRow(4);
        symlinkSync(path.join(checkout, "tests/kind"), path.join(project.folder, "kind"));
        const program = [
            'import { runnerKinds } from "./components/runner/kinds";',
            'import { daemonRow } from "./kind/row";',
            "",
            "Object.assign(runnerKinds, { daemon: daemonRow });",
            'export = require("./index");',
            "",
        ];
        writeFileSync(path.join(project.folder, "program.ts"), program.join("\n"));
        const file = path.join(project.folder, "Pulumi.yaml");
        writeFileSync(file, readFileSync(file, "utf8").replace("main: index.ts", "main: program.ts"));
        project.configure({ daemonPort: project.port + 1 });
        return project;
    }

    /** Process ids of its daemons, by what they left in their folders. */
    daemons(): number[] {
        const folder = path.join(this.machine.home, stackNameOf(this.name, this.stack));
        return ["amd64", "amd64_2"]
            .map((runner) => path.join(folder, runner, "pid"))
            .flatMap((file) => (existsSync(file) ? [Number(readFileSync(file, "utf8"))] : []))
            .filter((pid) => commandOf(pid).includes("buildkitd"));
    }
}

describeHere("a kind of runners that is a folder and a row", () => {
    let project: KindProject;

    beforeAll(async () => {
        project = await KindProject.withDaemons({
            runners: "daemon",
            platforms: ["linux/amd64"],
            images: { app: { context: "app" } },
        });
        project.context("app", [...fromStep, writes("by a daemon")]);
        await project.init();
    });

    afterAll(() => project?.end());

    it("is among the kinds that a wrong setting is told, and has its own mistakes told with the others", async () => {
        project.configure({ runners: "deamon" });
        const misspelt = await project.up();
        expect(misspelt.output).toMatch(/runners: there is no "deamon"; use one of: local, ec2, kubernetes, daemon/);
        const { port } = project;
        project.configure({ runners: "daemon", daemonPort: 20_009, idleMinutes: -1 });
        const wrong = await project.up();
        expect(wrong.output).toMatch(/idleMinutes: must be a number of minutes/);
        expect(wrong.output).toMatch(/daemonPort: 20009 ends in 9, which a test wants refused; use another/);
        project.configure({ daemonPort: port + 1, idleMinutes: 15 });
    });

    it("builds an image and pushes it to the registry that its row names", async () => {
        await project.succeed(project.up());
        expect(project.daemons()).toHaveLength(1);
        expect(await project.fileIn("app", "amd64", "result")).toBe("by a daemon");
        const { output } = await project.succeed(project.pulumi("stack", "output", "runners", "--json"));
        expect(JSON.parse(output)).toEqual({
            amd64: { kind: "daemon", platform: "linux/amd64", id: "native-buildx-dev/amd64", idleMinutes: 0 },
        });
    });

    it("is connected to by the stack's script, asleep as well", async () => {
        const [daemon = 0] = project.daemons();
        process.kill(daemon, "SIGKILL");
        const input = await project.connectScript();
        const { output } = await project.succeed(project.run("sh", ["-s"], { input }));
        expect(output).toMatch(/^builder native-buildx-dev is ready: linux\/amd64$/m);
        expect(project.daemons()).not.toContain(daemon);
        const words = ["--builder", "native-buildx-dev", "--progress", "quiet", "--output", "type=cacheonly", "app"];
        await project.succeed(project.run("buildx", ["build", ...words]));
    });

    it("is left as it is in an up that changes nothing", async () => {
        const { output } = await project.succeed(project.up());
        expect(output).toMatch(unchanged);
    });

    it("may have several runners a platform", async () => {
        project.configure({ runnersPerPlatform: 2 });
        await project.succeed(project.up());
        const input = await project.connectScript();
        const { output } = await project.succeed(project.run("sh", ["-s", "--", "amd64_2"], { input }));
        expect(output).toMatch(/is ready: linux\/amd64 \(amd64_2\)/);
        expect(project.daemons()).toHaveLength(2);
    });

    it("leaves nothing on the machine after a destroy", async () => {
        const daemons = project.daemons();
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        expect(daemons.map(commandOf)).toEqual(["", ""]);
        expect(existsSync(path.dirname(project.runnerFolder("registry")))).toBe(false);
    });
});
