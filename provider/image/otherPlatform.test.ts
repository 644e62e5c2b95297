import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { killGroup, until } from "../../tests/e2e/processes";
import { Buildkit } from "../../tests/helpers/buildkit";
import { freePorts } from "../../tests/helpers/freePorts";
import { fromStep } from "../../tests/helpers/stepImage";
import type { BuildRequest } from "../buildx/buildRequest";

jest.setTimeout(120_000);

/** The runner of these tests is one for amd64 that builds arm64 as well. */
const buildkit = new Buildkit();
/** The base of each platform, by digest, and `index` of both. */
const refs = { amd64: "", arm64: "", index: "" };
let git: ChildProcess;
let port: number | undefined;
let made = 0;

beforeAll(async () => {
    await buildkit.start();
    const context = buildkit.context("base", fromStep);
    for (const arch of ["amd64", "arm64"] as const) {
        const tags = [`${buildkit.registry}/base:${arch}`];
        const { digest } = await buildkit.build({ context, platform: `linux/${arch}`, tags });
        refs[arch] = `${buildkit.registry}/base@${digest}`;
    }
    refs.index = `${buildkit.registry}/base:index`;
    await buildkit.run("buildx", ["imagetools", "create", `--tag=${refs.index}`, refs.amd64, refs.arm64]);
    [port] = await freePorts(1);
    const options = ["--export-all", `--base-path=${buildkit.folder}`, "--listen=127.0.0.1", `--port=${port}`];
    // Its child is the daemon.
    git = spawn("git", ["daemon", ...options], { stdio: "ignore", detached: true });
    const address = repository([]);
    const serves = () => buildkit.run("git", ["ls-remote", address]).then(Boolean, () => false);
    await until("git serves", serves);
});
afterAll(async () => {
    killGroup(git);
    await until("the daemon ended", () => !git || git.exitCode !== null || git.signalCode !== null);
    await buildkit.end();
});

/** A git repository with the step program and a Dockerfile. */
function repository(dockerfile: string[], files: { [name: string]: string } = {}): string {
    const name = `repository-${made++}`;
    const folder = buildkit.context(name, dockerfile, files);
    const identity = ["-c", "user.name=me", "-c", "user.email=me@example.com"];
    for (const words of [
        ["init", "--quiet"],
        ["add", "."],
        [...identity, "commit", "--quiet", "--message=x"],
    ]) {
        execFileSync("git", words, { cwd: folder });
    }
    return `git://127.0.0.1:${port}/${name}/.git`;
}

/** A build for arm64: its message, as far as it failed, and whether its tag was pushed. */
async function built(request: Partial<BuildRequest> & { context: string }) {
    const tag = `app:${made++}`;
    const tags = [`${buildkit.registry}/${tag}`];
    const message = await buildkit.build({ platform: "linux/arm64", tags, ...request }).then(
        () => "",
        (error: Error) => error.message,
    );
    const isPushed = await buildkit.config(tag).then(
        () => true,
        () => false,
    );
    return { message, isPushed };
}

const refused = (line: string) => ({
    message: expect.stringMatching(new RegExp(`^Dockerfile:${line}.*linux/arm64 out of one for linux/amd64`)),
    isPushed: false,
});
const right = { message: "", isPushed: true };

describe("the Dockerfile of a git repository", () => {
    test("is refused for another platform before anything is built", async () => {
        const context = repository(["# x", `FROM --platform=linux/amd64 ${refs.amd64}`]);
        expect(await built({ context })).toEqual(refused("2: FROM"));
    });

    test("is refused for the platform that builds, where the runner emulates", async () => {
        const context = repository([`FROM --platform=$BUILDPLATFORM ${refs.amd64}`]);
        expect(await built({ context })).toEqual(refused("1: FROM"));
        expect(await built({ context, platform: "linux/amd64" })).toEqual(right);
    });

    test("is the one that is named, by its target, its arguments and its secrets", async () => {
        const files = { "other.Dockerfile": `ARG BASE\nFROM --platform=$BUILDPLATFORM $BASE AS t\nFROM scratch\n` };
        const context = repository(["FROM scratch"], files);
        const request = { context, dockerfile: "other.Dockerfile", args: { BASE: refs.amd64 }, secrets: { s: "1" } };
        expect(await built({ ...request, target: "T" })).toEqual(refused("2: FROM"));
    });

    test("is built where only other stages are for another platform", async () => {
        const tools = `FROM --platform=$BUILDPLATFORM ${refs.amd64} AS tools`;
        const context = repository([tools, "FROM scratch", "COPY --from=tools /step /step"]);
        expect(await built({ context })).toEqual(right);
    });

    test("that is not there is told by the build", async () => {
        const context = repository(["FROM scratch"]);
        expect((await built({ context, dockerfile: "gone" })).message).toContain("failed to read dockerfile");
    });
});

describe("a named context that the last stage is built on", () => {
    const lines = ["FROM debian AS b", "FROM b", "LABEL a=b"];

    test("is refused where it is an image of another platform alone", async () => {
        const context = buildkit.context("named", lines);
        const contexts = (ref: string) => ({ debian: `docker-image://${ref}` });
        expect(await built({ context, contexts: contexts(refs.amd64) })).toEqual(refused("1: FROM debian"));
        expect(await built({ context, contexts: contexts(refs.arm64) })).toEqual(right);
        expect(await built({ context, contexts: contexts(refs.index) })).toEqual(right);
    });

    test("is refused where it is an image of another platform in a layout", async () => {
        const context = buildkit.context("named", lines);
        const contexts = async (name: keyof typeof refs) => {
            await buildkit.run("crane", ["pull", "--insecure", "--format=oci", refs[name], `layouts/${name}`]);
            return { debian: `oci-layout://./layouts/${name}` };
        };
        expect(await built({ context, contexts: await contexts("amd64") })).toEqual(refused("1: FROM debian"));
        expect(await built({ context, contexts: await contexts("arm64") })).toEqual(right);
        expect(await built({ context, contexts: await contexts("index") })).toEqual(right);
    });

    test("counts in place of a stage of its name", async () => {
        const context = buildkit.context("replaced", [
            "FROM --platform=linux/amd64 scratch AS base",
            "FROM base",
            "LABEL a=b",
        ]);
        const contexts = (ref: string) => ({ base: `docker-image://${ref}` });
        expect(await built({ context, contexts: contexts(refs.arm64) })).toEqual(right);
        expect(await built({ context, contexts: contexts(refs.index) })).toEqual(refused("1: FROM --platform"));
        const declared = { "linux/amd64": refs.amd64, "linux/arm64": refs.arm64 };
        expect(await built({ context, contexts: { base: declared } })).toEqual(refused("1: FROM --platform"));
    });

    test("is let pass where its registry does not answer: the build says why", async () => {
        const context = buildkit.context("silent", ["FROM debian"]);
        const { message } = await built({ context, contexts: { debian: "docker-image://127.0.0.1:9/x" } });
        expect(message).toContain("127.0.0.1:9");
        expect(message).not.toContain("out of one for");
    });
});

test("a step with << in a string hides no last stage", async () => {
    const context = buildkit.context("strings", [
        "FROM --platform=$BUILDPLATFORM scratch AS build",
        "COPY step-amd64 /step",
        'RUN ["/step", "print", "int main(){ std::cout <<x; }", "1"]',
        ...fromStep,
        "COPY --from=build /step /tool",
    ]);
    expect(await built({ context })).toEqual(right);
});
