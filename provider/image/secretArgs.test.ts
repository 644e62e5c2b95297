import { specialSecretSig, specialSigKey } from "@pulumi/pulumi/runtime/rpc";
import { buildkitOfProcess } from "../../tests/helpers/buildkit";
import { fromStep } from "../../tests/helpers/stepImage";
import { ResourceProvider } from "../serve";
import { serving } from "./connectionsBench";
import { PlatformImageResource } from "./platformImage";

jest.setTimeout(120_000);

const buildkit = buildkitOfProcess();

test("an argument that is a secret is shown neither in a receipt nor while it is built, nor where that fails", async () => {
    const said: string[] = [];
    const log = (_severity: string, text: string) => said.push(text);
    const provider = new ResourceProvider({ PlatformImage: new PlatformImageResource(serving) }, {}, { log });
    const urn = "urn:pulumi:dev::p::native-buildx:index:PlatformImage::app-amd64";
    const build = async (steps: string[]) => {
        const context = buildkit.context("app", [...fromStep, "ARG TOKEN", ...steps]);
        const { inputs } = await provider.check(
            urn,
            {},
            {
                ...{ platform: "linux/amd64", runner: "amd64", builder: buildkit.builder, context, contexts: {} },
                ...{ secrets: {}, tags: [`${buildkit.registry}/app:1`], cacheFrom: [], cacheTo: [] },
                args: { TOKEN: { [specialSigKey]: specialSecretSig, value: "s3cr3t-t0ken" } },
                here: { connect: "", project: buildkit.folder, buildsPerRunner: 1 },
            },
        );
        return provider.create(urn, inputs ?? {});
    };
    const { outs } = await build(["WORKDIR /$TOKEN"]);
    const { args, ...others } = outs ?? {};
    expect(args).toMatchObject({ [specialSigKey]: specialSecretSig });
    expect(JSON.stringify(others)).toContain("WORKDIR /[secret]");
    const failure = await build(["WORKDIR /$TOKEN", 'RUN ["/step", "print", "x", "1", "fail"]', "COPY $TOKEN /"]).catch(
        String,
    );
    expect(failure).toContain("[secret]");
    expect(said.join("\n")).toContain("WORKDIR /[secret]");
    expect([JSON.stringify(others), String(failure), ...said].join("\n")).not.toContain("s3cr3t");
});
