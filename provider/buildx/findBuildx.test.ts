import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { findBuildx } from "./findBuildx";

describe("buildx is found", () => {
    const here = temporaryFolder();
    afterAll(() => rmSync(here, { recursive: true }));
    const program = (folder: string, name: string, script = "") => {
        mkdirSync(folder, { recursive: true });
        writeFileSync(path.join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
        return path.join(folder, name);
    };

    test("on PATH, then as the plugin of the caller's docker configuration", async () => {
        const config = path.join(here, "docker ä");
        const plugin = program(path.join(config, "cli-plugins"), "docker-buildx");
        const bin = path.join(here, "bin ä");
        mkdirSync(path.join(bin, "buildx"), { recursive: true }); // a folder is no program
        expect(await findBuildx({ PATH: bin, DOCKER_CONFIG: config })).toEqual([plugin]);
        const other = path.join(here, "other");
        const onPath = program(other, "buildx");
        expect(await findBuildx({ PATH: `${bin}:${other}`, DOCKER_CONFIG: config })).toEqual([onPath]);
    });

    test("then as whatever docker has, but not as what podman answers, which may be called docker", async () => {
        const bin = path.join(here, "docker's");
        const caller = { PATH: bin, DOCKER_CONFIG: bin };
        const docker = program(bin, "docker", "echo github.com/docker/buildx v0.30.1 9e66234");
        expect(await findBuildx(caller, [])).toEqual([docker, "buildx"]);
        program(bin, "docker", "echo buildah 1.39.3");
        await expect(findBuildx(caller, [])).rejects.toThrow("docker buildx is needed to build and was not found");
    });
});
