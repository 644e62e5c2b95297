import { cpSync, existsSync, linkSync, mkdirSync, symlinkSync } from "node:fs";
import * as path from "node:path";
import { architectures, type Platform } from "../../components/architecture";
import { emulatedMachines } from "../../components/runner/emulation/recipe";
import { toolchains } from "../helpers/checkout";
import { debianRoot } from "../helpers/debianRoot";
import { describeUnless, missing, missingEmulator } from "../helpers/needs";
import { Project } from "./project";

jest.setTimeout(900_000);

const arm: Platform = "linux/arm/v7";
const riscv: Platform = "linux/riscv64";
const platforms = [arm, riscv];

/** What the program of each platform says, and `uname -m` of its root. */
const said = {
    [arm]: ["arm/v7: armv7l, pointers of 32 bits\n", "armv7l\n"],
    [riscv]: ["riscv64/: riscv64, pointers of 64 bits\n", "riscv64\n"],
};

describeUnless(missing() ?? missingEmulator(platforms))("platforms that are emulated on every machine", () => {
    let project: Project;

    beforeAll(async () => {
        project = await Project.create("rows", {
            platforms,
            images: { app: { context: "app/{arch}", dockerfile: "app/Dockerfile", tags: ["1.0"] } },
        });
        symlinkSync(toolchains, path.join(project.machine.home, "toolchains"));
        const app = path.join(project.folder, "app");
        mkdirSync(app);
        cpSync(path.join(__dirname, "architectures/Dockerfile"), path.join(app, "Dockerfile"));
        // 64-bit RISC-V is an architecture of Debian since release 13.
        for (const [platform, debian, release] of [
            [arm, "armhf", "bookworm"],
            [riscv, "riscv64", "trixie"],
        ] as const) {
            const context = path.join(app, architectures[platform].suffix);
            mkdirSync(context);
            linkSync(debianRoot(project.folder, debian, release), path.join(context, "rootfs.tar"));
            cpSync(path.join(__dirname, "architectures/program.c"), path.join(context, "program.c"));
        }
        await project.init();
    });

    afterAll(() => project?.end());

    it("are built, pushed and joined", async () => {
        await project.succeed(project.up());
        const { images } = await project.outputs();
        const index = await project.succeed(project.run("crane", ["manifest", images.app?.ref ?? ""]));
        const { manifests } = JSON.parse(index.output) as { manifests: { platform: object }[] };
        expect(manifests.map(({ platform }) => platform)).toEqual([
            { os: "linux", architecture: "arm", variant: "v7" },
            { os: "linux", architecture: "riscv64" },
        ]);
        const repository = images.app?.ref.replace(/:[^:]*@.*$/, "");
        const tags = await project.succeed(project.run("crane", ["ls", repository ?? ""]));
        expect(tags.output.trimEnd().split("\n").sort()).toEqual(["1.0", "1.0-arm-v7", "1.0-riscv64"]);
    });

    it.each(platforms)("have programs that are theirs: %s", async (platform) => {
        const { images } = await project.outputs();
        const folder = `ran-${architectures[platform].suffix}`;
        const script =
            'mkdir "$1" && cd "$1" && crane export "$0" - | tar --extract --file - && ./program && cat said machine';
        const ran = await project.succeed(
            project.run("sh", ["-c", script, images.app?.platforms[platform] ?? "", folder]),
        );
        const [program, machine] = said[platform as keyof typeof said] as [string, string];
        // On this machine, and while it was built.
        expect(ran.output).toBe(program + program + machine);
    });

    it.each(platforms)("have compilers that run natively, where their twins were made: %s", async (platform) => {
        const [machine = ""] = emulatedMachines([platform]);
        const emulated = async (file: string) =>
            Number(await project.fileIn("app", platform.replace("linux/", ""), file));
        const isMade = existsSync(path.join(toolchains, machine, "twins"));
        expect((await emulated("emulated")) === 0).toBe(isMade);
        // An assembler of 32 bits reckons with 32 bits: it has no twin.
        expect((await emulated("emulatedAssembler")) === 0).toBe(isMade && platform !== arm);
    });

    it("are built by hand, too", async () => {
        const connect = await project.connectScript();
        await project.succeed(project.run("sh", ["-s", "--", ...platforms], { input: connect }));
        const words = ["buildx", "build", "--builder", "native-buildx-rows", "--platform", platforms.join(",")];
        const dockerfile = "FROM scratch\nCOPY Pulumi.yaml /\n";
        await project.succeed(
            project.run("docker", [...words, "--output", "type=cacheonly", "--file", "-", "."], { input: dockerfile }),
        );
        expect(await project.state("arm_v7")).toBe("serving");
    });
});
