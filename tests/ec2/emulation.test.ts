import { cpSync, linkSync, mkdirSync, readdirSync } from "node:fs";
import * as path from "node:path";
import { StopInstancesCommand } from "@aws-sdk/client-ec2";
import { Simulation } from "../../packages/simulated-ec2";
import { until } from "../e2e/processes";
import { debianRoot } from "../helpers/debianRoot";
import { describeHere } from "../helpers/needs";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(1_200_000);

/** Revisions of Debian 12's compiler, as it marks what it compiles: the image's own, and its twin's. */
const own = "12.2.0-14+deb12u1";
const twin = "12.2.0-14";

// A runner that emulates makes native compilers for itself, out of Debian's packages, and uses them.
describeHere("native compilers on the simulated EC2", () => {
    let simulation: Simulation;
    let project: Ec2Project;

    beforeAll(async () => {
        simulation = Simulation.start();
        project = Ec2Project.createIn(simulation, "emulating", {
            idleMinutes: 30,
            forceDelete: true,
            emulateOn: { "linux/arm64": "linux/amd64" },
            images: {},
        });
        project.context("nothing", ["FROM scratch", "COPY Dockerfile /"]);
        await project.init();
        await project.succeed(project.up());
        writeImage();
    }, 600_000);

    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    function writeImage(): void {
        const folder = path.join(project.folder, "compiled");
        mkdirSync(folder);
        cpSync(path.join(__dirname, "emulation/Dockerfile"), path.join(folder, "Dockerfile"));
        linkSync(debianRoot(project.folder, "arm64"), path.join(folder, "rootfs.tar"));
    }

    /** What that machine has registered in this machine's kernel. */
    async function registrations(): Promise<string[]> {
        const { stdout } = await simulation.execute(await project.instanceId("amd64"), "cat /etc/machine-id");
        return readdirSync("/proc/sys/fs/binfmt_misc").filter((name) => name.endsWith(`-${stdout.trim()}`));
    }

    it("are made beside BuildKit, which serves at once", async () => {
        await project.connectAndBuild("laptop", "amd64");
        const areUsed = async () => (await project.console("amd64")).includes("run natively");
        await until("native compilers to be made", areUsed, 900);
        expect(await project.console("amd64")).toMatch(/Started [^\n]*buildkit\.service[\s\S]*run natively/);
        expect((await registrations()).map((name) => name.replace(/-\w+$/, ""))).toEqual(["native-buildx-aarch64"]);
    });

    it("compile for a platform that has no capacity, and an unknown compiler is named in the receipt", async () => {
        const InstanceIds = [await project.instanceId("arm64")];
        await simulation.ec2.send(new StopInstancesCommand({ InstanceIds }));
        await project.awaitState("arm64", "stopped");
        await simulation.setFaults({ no_capacity: ["c7g.*"] });
        project.configure({ images: { compiled: { context: "compiled", platforms: ["linux/arm64"] } } });

        const { output } = await project.succeed(project.up());
        expect(output).toMatch(/WARNING: arm64 will be EMULATED on the amd64 runner/);
        const markOf = async (file: string) =>
            /GCC: \(Debian (.*?)\)/.exec(await project.fileIn("compiled", "arm64", file))?.[1];
        expect(await project.fileIn("compiled", "arm64", "machine")).toBe("aarch64\n");
        expect(await markOf("mark")).toBe(twin);
        expect(await markOf("mark-of-patched")).toBe(own);
        const receipts = await project.succeed(project.pulumi("stack", "output", "receipts"));
        expect(receipts.output).toMatch(
            / {2}emulated {2}cc1 \([0-9a-f]{16}\): docs\/emulation\.md says what is faster/,
        );
    });

    it("are registered while BuildKit runs, and from the beginning of the next start on", async () => {
        const id = await project.instanceId("amd64");
        const before = await registrations();
        expect(before).toHaveLength(1);
        await simulation.execute(id, "systemctl stop buildkit");
        expect(await registrations()).toEqual([]);
        await simulation.execute(id, "systemctl start buildkit");
        expect(await registrations()).toEqual(before);
    });
});
