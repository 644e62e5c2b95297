import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { checkout, toolchains } from "../helpers/checkout";
import { describeUnless, hasOwnRegistrations, missing, missingTwins } from "../helpers/needs";
import { type Arch, fromStep } from "../helpers/stepImage";
import { Project, unchanged } from "./project";
import { UnprivilegedUser } from "./unprivilegedUser";

jest.setTimeout(180_000);

const archs: Arch[] = ["amd64", "arm64"];

const hasNoCompilers = !hasOwnRegistrations() || missingTwins() !== undefined;

// What a user has who cannot become root: one stack's life, told in order.
describeUnless(missing() ?? UnprivilegedUser.missing(checkout))("without root", () => {
    let project: Project;

    beforeAll(async () => {
        project = await Project.create("rootless", {}, { unprivileged: true });
        if (!hasNoCompilers) {
            const copy = path.join(project.machine.home, "toolchains");
            execFileSync("cp", ["-r", toolchains, copy]);
            execFileSync("chown", ["-R", `${project.user?.id}`, copy]);
        }
        const image = project.context("image", [
            ...fromStep,
            'RUN ["/step", "write", "/built", "without root"]',
            // Called like a compiler, which has no twin.
            // biome-ignore lint/suspicious/noTemplateCurlyInString: the Dockerfile's own
            "COPY step-${TARGETARCH} /cc1",
            'RUN ["/cc1", "write", "/compiled", "by a compiler"]',
            // A folder of some other user of the container, who is one of the subordinate ids outside.
            "COPY --chown=1000:1000 Dockerfile /home/other/",
        ]);
        project.configure({ images: { image: { context: image } } });
        await project.init();
    });

    afterAll(() => project?.end());

    /** User ids that a process has. */
    const usersOf = (pid: number) => /^Uid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];

    it("builds and pushes for both platforms in the first up", async () => {
        await project.succeed(project.up());

        expect(await project.platformsOf("image")).toEqual(["linux/amd64", "linux/arm64"]);
        for (const arch of archs) {
            expect(await project.fileIn("image", arch, "built")).toBe("without root");
        }
    });

    (hasNoCompilers ? it.skip : it)(
        "uses native compilers: the kernel lets it register their dispatcher for itself",
        async () => {
            const { output } = await project.succeed(project.pulumi("stack", "output", "receipts"));
            expect(output).toMatch(/^ {2}emulated {2}cc1 \(no build id\): /m);
        },
    );

    it("has runners and files that are nobody's but the user's", () => {
        const id = project.user?.id;
        for (const arch of archs) {
            for (const pid of [project.pid(arch), project.buildkitdPid(arch)]) {
                expect(usersOf(pid)).toBe([id, id, id, id].join("\t"));
            }
        }
        const owners = execFileSync("find", [project.machine.home, "-printf", "%U\n"], { encoding: "utf8" });
        expect(new Set(owners.trim().split("\n").map(Number))).toEqual(new Set([id, project.user?.outside(1000)]));
    });

    it("takes the ports of its own daemons, which are awake, for its own", async () => {
        expect((await project.succeed(project.up())).output).toMatch(unchanged);
    });

    it("destroys everything, files of the subordinate ids too", async () => {
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));

        expect(existsSync(path.dirname(project.runnerFolder("registry")))).toBe(false);
    });
});
