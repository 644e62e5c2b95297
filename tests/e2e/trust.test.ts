import { readFileSync } from "node:fs";
import * as path from "node:path";
import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import type { Result } from "./commands";
import { Project } from "./project";

jest.setTimeout(300_000);

const native = process.arch === "x64" ? "amd64" : "arm64";

// What separates two stacks of one machine, and what does not: docs/ci.md#untrusted-branches. Stack dev-pr is the untrusted.
describeHere("two local stacks on one machine", () => {
    let trusted: Project;
    let untrusted: Project;

    beforeAll(async () => {
        const settings = { platforms: [`linux/${native}`], idleMinutes: 15 };
        trusted = await Project.create("dev", { ...settings, images: { app: { context: "app" } } });
        untrusted = await Project.create("dev-pr", { ...settings }, { machine: trusted.machine });
        trusted.context("app", [...fromStep, writes("trusted")]);
        for (const project of [trusted, untrusted]) {
            await project.init();
            await project.succeed(project.up());
            await project.succeed(project.run("sh", ["-s"], { input: await project.connectScript() }));
        }
    });

    afterAll(async () => {
        await untrusted?.end();
        await trusted?.end();
    });

    function build(project: Project, lines: string[]): Promise<Result> {
        const builder = ["--builder", `native-buildx-${project.stack}`, "--platform", `linux/${native}`];
        const options = ["--provenance=false", "--progress=plain", "--output", "type=cacheonly"];
        return project.run("buildx", ["build", ...builder, ...options, project.context("attempt", lines)]);
    }

    it("have cache mounts of their own", async () => {
        const mount = "--mount=type=cache,id=packages,target=/packages";
        const poison = [...fromStep, `RUN ${mount} ["/step", "write", "/packages/tool", "poison"]`];
        const look = [...fromStep, `RUN ${mount} ["/step", "expect", "/packages/tool", "poison"]`];
        await untrusted.succeed(build(untrusted, poison));
        await untrusted.succeed(build(untrusted, look));
        const { code, output } = await build(trusted, look);
        expect(output).toMatch(/open \/packages\/tool: no such file/);
        expect(code).not.toBe(0);
    });

    it("have runners that take the keys of their own stack only", async () => {
        /** What connect registered for a stack's runner. */
        const nodeOf = (stack: string) => {
            const file = path.join(trusted.machine.user, `.docker/buildx/instances/native-buildx-${stack}-${native}`);
            return JSON.parse(readFileSync(file, "utf8")).Nodes[0] as {
                Endpoint: string;
                DriverOpts: { [option in "cacert" | "cert" | "key" | "servername"]: string };
            };
        };
        /** Asks the trusted runner for its workers, with the keys of a stack's clients. */
        const ask = (stack: string) => {
            const { Endpoint, DriverOpts } = nodeOf("dev");
            const { cert, key } = nodeOf(stack).DriverOpts;
            const runner = ["--addr", Endpoint, "--tlsservername", DriverOpts.servername];
            const keys = ["--tlscacert", DriverOpts.cacert, "--tlscert", cert, "--tlskey", key];
            return trusted.run("buildctl", ["--timeout", "60", ...runner, ...keys, "debug", "workers"]);
        };
        const refused = await ask("dev-pr");
        // Where the connection is closed before the client reads the alert, it sees that.
        expect(refused.output).toMatch(
            /(bad certificate|unknown certificate authority|connection reset|broken pipe|EOF)/,
        );
        expect(refused.code).not.toBe(0);
        expect((await trusted.succeed(ask("dev"))).output).toContain(`linux/${native}`);
    });

    it("are within each other's reach for build steps, which is why untrusted branches are built on EC2", async () => {
        const step = [...fromStep, `RUN ["/step", "reach", "127.0.0.1:${trusted.port}"]`];
        const { output } = await untrusted.succeed(build(untrusted, step));
        expect(output).toContain(`reached 127.0.0.1:${trusted.port}`);
    });

    it("cannot have names of which one is that of the other's runner", async () => {
        const alike = await Project.create(`dev-${native}`, { platforms: [`linux/${native}`] });
        try {
            await alike.init();
            const { code, output } = await alike.up();
            expect(output).toContain(
                `the stack's name: builder native-buildx-dev-${native} would be the builder of runner ${native} of stack ` +
                    `native-buildx-dev, too; choose a name that does not end in -${native}`,
            );
            expect(code).not.toBe(0);
        } finally {
            await alike.end();
        }
    });
});
