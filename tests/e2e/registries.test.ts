import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { describeHere } from "../helpers/needs";
import { RegistryWorld, tokens } from "../helpers/registryWorld";
import { archs, fromStep } from "../helpers/stepImage";
import type { Result, Running } from "./commands";
import { commandOf, descendants } from "./processes";
import { unchanged } from "./project";
import { RegistryProject } from "./registryProject";

jest.setTimeout(300_000);

/** Everything that a command has started was called with, until it ended. */
async function watched(running: Running): Promise<Result & { commands: string[] }> {
    const commands = new Set<string>();
    const look = () => {
        for (const pid of descendants(running.child.pid ?? 0)) {
            commands.add(commandOf(pid));
        }
    };
    const timer = setInterval(look, 50);
    const result = await running.done;
    clearInterval(timer);
    return { ...result, commands: [...commands] };
}

const registries = [
    {
        name: "Docker Hub, with a token service that knows OAuth",
        url: "docker.io/acme",
        loginKey: "https://index.docker.io/v1/",
        asked: { service: "registry.docker.io", method: "POST", path: "acme" },
    },
    {
        name: "a GitLab, with a token service that knows GET alone",
        url: "registry.gitlab.example/acme/tools",
        loginKey: "registry.gitlab.example",
        asked: { service: "container_registry", method: "GET", path: "acme/tools" },
    },
    {
        name: "a Harbor, with basic authentication",
        url: "harbor.example/acme",
        loginKey: "harbor.example",
        asked: undefined,
    },
];

describeHere("real local runners, and registries elsewhere that want a login", () => {
    const world = new RegistryWorld();
    let project: RegistryProject;

    beforeAll(async () => {
        await world.start();
        const images = { base: { context: "base" }, app: { context: "app", bases: ["base"], tags: ["1.0", "latest"] } };
        project = RegistryProject.createIn(world, "registries", images);
        project.context("base", [...fromStep, 'RUN ["/step", "write", "/base", "of the base"]']);
        await project.init();
    }, 300_000);
    afterAll(async () => {
        await project?.end();
        await world.end();
    });

    describe.each(registries)("$name", ({ url, loginKey, asked }) => {
        const userConfig = () => path.join(project.machine.user, ".docker/config.json");
        const login = (user: keyof typeof tokens) =>
            world.dockerLogin(path.join(world.folder, `login-${user}`), loginKey, user);
        let ref: string;

        beforeAll(async () => {
            await project.set("registryUrl", url);
            await project.set("registryUser", "ci");
            await project.setToken(tokens.ci);
            project.lookAs(login("ci"));
            project.change(`for ${url}`);
        });

        it("has images pushed by digest, joined, tagged and read back, with the token", async () => {
            const before = world.tokenRequests.length;
            const { code, output, commands } = await watched(project.startUp());
            expect({ code, output }).toMatchObject({ code: 0 });
            ({ ref } = (await project.outputs()).images.app ?? { ref: "" });

            expect(ref).toMatch(new RegExp(`^${url}/app:1\\.0@sha256:[0-9a-f]{64}$`));
            expect(await project.platformsOf("app")).toEqual(["linux/amd64", "linux/arm64"]);
            for (const arch of archs) {
                expect(await project.fileIn("app", arch, "base")).toBe("of the base");
                expect(await project.fileIn("app", arch, "result")).toBe(`for ${url}`);
            }
            const [, digest] = ref.split("@");
            for (const tag of ["1.0", "latest"]) {
                expect(await project.digestOf(`${url}/app:${tag}`)).toBe(digest);
            }
            expect(await project.digestOf(`${url}/app:cache-amd64`)).toMatch(/^sha256:/);

            if (asked) {
                const { service, method, path: name } = asked;
                const pushed = world.tokenRequests
                    .slice(before)
                    .filter(({ granted }) => granted.some((scope) => scope === `repository:${name}/app:pull,push`));
                expect(pushed).not.toEqual([]);
                expect(pushed).toContainEqual(expect.objectContaining({ user: "ci", service, method, status: 200 }));
            }
            expect(commands.some((command) => command.includes("--metadata-file"))).toBe(true);
            expect(commands.filter((command) => command.includes(tokens.ci))).toEqual([]);
            expect(output).not.toContain(tokens.ci);
        });

        it("keeps the token out of state, outputs, logs and files", async () => {
            const basic = Buffer.from(`ci:${tokens.ci}`).toString("base64");
            const words = ["-rlaF", "-e", tokens.ci, "-e", basic, project.folder];
            // 1: nothing was found.
            expect(await project.run("grep", words)).toEqual({ code: 1, output: "" });
            const { output } = await project.succeed(project.pulumi("stack", "export"));
            expect(output).not.toContain(tokens.ci);
        });

        it("is left alone by an unchanged up, and looked at by a refresh", async () => {
            const { output } = await project.succeed(project.up());
            expect(output).toMatch(unchanged);
            await project.succeed(project.pulumi("refresh", "--yes", "--skip-preview"));
            expect((await project.outputs()).images.app?.ref).toBe(ref);
        });

        it.each([
            ["a wrong token", "ci", "not the token"],
            // A Harbor's reader is one of its projects' members; ours knows users alone.
            ...(asked ? [["the token of somebody who may not push", "reader", tokens.reader]] : []),
        ])("with %s says which settings to look at, and keeps what was there", async (_what, user = "", token = "") => {
            await project.set("registryUser", user);
            await project.setToken(token);
            project.change(`never pushed by ${user}`);
            const { code, output } = await project.up();
            expect(code).not.toBe(0);
            expect(output).toMatch(/The registry refused the (push|login)/);
            expect(output).toContain(
                `Look at registryUser and registryToken: may ${user} push to ${url} with this token?`,
            );
            expect(output).not.toContain(token);
            expect(await project.digestOf(`${url}/app:latest`)).toBe(ref.split("@")[1]);
        });

        it("takes the docker login of the machine where no token is set, and says so where there is none", async () => {
            await project.unset("registryUser", "registryToken");
            project.change(`by the machine's login at ${url}`);
            rmSync(userConfig(), { force: true });
            const { code, output } = await project.up();
            expect(code).not.toBe(0);
            expect(output).toMatch(/Log in on this machine: docker login/);

            mkdirSync(path.dirname(userConfig()), { recursive: true });
            copyFileSync(path.join(login("ci"), "config.json"), userConfig());
            await project.succeed(project.up());
            expect(await project.fileIn("app", "amd64", "result")).toBe(`by the machine's login at ${url}`);
            writeFileSync(userConfig(), "{}");
        });
    });
});
