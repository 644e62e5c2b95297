import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import * as path from "node:path";
import { checkout } from "../helpers/checkout";
import { freePorts } from "../helpers/freePorts";
import { describeHere } from "../helpers/needs";
import { Registry } from "../helpers/registry";
import { Project, registryHost } from "./project";

jest.setTimeout(300_000);

// The upstream is a port that counts who comes; the mirror speaks http, under a name that BuildKit expects https of.
describeHere("mirrors of registries", () => {
    const native = process.arch === "x64" ? "amd64" : "arm64";
    let project: Project;
    let mirror: Registry;
    let upstream: Server;
    let upstreamHost: string;
    let asked = 0;

    const configureMirror = (port = mirror.port) =>
        project.configure({
            registryMirrors: {
                "docker.io": [`http://${registryHost}:${port}`],
                [upstreamHost]: [`http://${registryHost}:${port}`],
            },
        });

    /** Puts an image of one file into the mirror. */
    function fillMirror(repository: string, text: string): void {
        const folder = path.join(project.folder, "layer");
        mkdirSync(folder, { recursive: true });
        writeFileSync(path.join(folder, "thing"), text);
        execFileSync("tar", ["--create", "--file", "layer.tar", "--directory", "layer", "thing"], {
            cwd: project.folder,
        });
        const crane = (...words: string[]) =>
            execFileSync(path.join(checkout, "tools/bin/crane"), words, { cwd: project.folder, stdio: "pipe" });
        const ref = `${mirror.address}/${repository}:latest`;
        crane("append", "--oci-empty-base", "--new_layer", "layer.tar", "--new_tag", ref);
        crane("mutate", "--set-platform", `linux/${native}`, "--tag", ref, ref);
    }

    beforeAll(async () => {
        project = await Project.create("mirrors", { platforms: [`linux/${native}`] });
        mirror = await Registry.start(project.folder, "mirror");
        const [port] = await freePorts(1);
        upstreamHost = `${registryHost}:${port}`;
        upstream = createServer((socket) => {
            asked += 1;
            socket.destroy();
        }).listen(port, "127.0.0.1");
        fillMirror("library/thing", "of the mirror");
        fillMirror("other/thing", "of the mirror, too");
        project.context("first", ["FROM scratch", "COPY Dockerfile /"]);
        project.configure({ images: { first: { context: "first" } } });
        await project.init();
        await project.succeed(project.up());
    });

    afterAll(async () => {
        upstream?.close();
        await mirror?.end();
        await project?.end();
    });

    it("that were declared while a runner serves are pulled from, and their registries are not asked", async () => {
        project.context("app", [
            `FROM ${upstreamHost}/other/thing AS other`,
            "FROM docker.io/library/thing",
            "COPY --from=other /thing /other",
        ]);
        configureMirror();
        project.configure({ images: { first: { context: "first" }, app: { context: "app" } } });
        await project.succeed(project.up());

        expect(await project.fileIn("app", native, "thing")).toBe("of the mirror");
        expect(await project.fileIn("app", native, "other")).toBe("of the mirror, too");
        expect(mirror.said()).toMatch(/\/v2\/library\/thing\/blobs\//);
        expect(asked).toBe(0);
    });

    it("that are removed are not asked any more, and their registries are", async () => {
        project.configure({ registryMirrors: {} });
        project.context("app", [`FROM ${upstreamHost}/other/thing:another`]);
        const { code, output } = await project.up();

        expect(code).not.toBe(0);
        expect(output).toContain(`${upstreamHost}/other/thing:another`);
        expect(asked).toBeGreaterThan(0);
        expect(mirror.said()).not.toContain("/v2/other/thing/manifests/another");
    });
});
