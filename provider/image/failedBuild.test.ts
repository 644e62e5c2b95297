import { buildkitOfProcess } from "../../tests/helpers/buildkit";
import { quietWork } from "../../tests/helpers/quietWork";
import type { Work } from "../resource";
import { serving } from "./connectionsBench";
import { type PlatformImageInputs, PlatformImageResource } from "./platformImage";

jest.setTimeout(120_000);

const buildkit = buildkitOfProcess();

test("a build that fails says the Dockerfile's warnings, which may name the cause, once for all platforms", async () => {
    const resource = new PlatformImageResource(serving);
    const lines = ["# check=skip=LegacyKeyValueFormat", "FROM scratch", "LABEL a b", "ARG VERSION=1"];
    const context = buildkit.context("misspelt", [...lines, "COPY app-$VERSIN /app"]);
    const said: string[] = [];
    const build = async (platform: PlatformImageInputs["platform"]) => {
        const inputs: PlatformImageInputs = {
            ...{ platform, runner: platform, builder: buildkit.builder, context, contexts: {}, args: {}, secrets: {} },
            ...{ tags: [`${buildkit.registry}/misspelt:${platform.slice(6)}`], cacheFrom: [], cacheTo: [] },
            here: { connect: "", project: buildkit.folder, buildsPerRunner: 1 },
        };
        const work: Work = {
            ...quietWork(platform),
            log: (severity, text) => said.push(`${severity} ${text}`),
        };
        return resource.create(await resource.check(inputs, work, {}), work);
    };
    await expect(build("linux/amd64")).rejects.toThrow('"/app-": not found');
    await expect(build("linux/arm64")).rejects.toThrow('"/app-": not found');
    expect(said).toEqual([
        "warning Dockerfile:5: UndefinedVar: Usage of undefined variable '$VERSIN' (did you mean $VERSION?)",
    ]);
});
