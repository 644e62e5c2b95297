import { specialSecretSig, specialSigKey } from "@pulumi/pulumi/runtime/rpc";
import { buildkitOfProcess } from "../../tests/helpers/buildkit";
import { fromStep } from "../../tests/helpers/stepImage";
import { ResourceProvider } from "../serve";
import { serving } from "./connectionsBench";
import { PlatformImageResource } from "./platformImage";

jest.setTimeout(120_000);

const buildkit = buildkitOfProcess();

const secret = (value: string) => ({ [specialSigKey]: specialSecretSig, value });

interface Secrets {
    args: { [name: string]: ReturnType<typeof secret> };
    secrets: { [id: string]: ReturnType<typeof secret> };
}

/** Builds an image through the engine's door; all that the engine is told. */
function providerThatSays() {
    const said: string[] = [];
    const log = (_severity: string, text: string) => said.push(text);
    const provider = new ResourceProvider({ PlatformImage: new PlatformImageResource(serving) }, {}, { log });
    const urn = "urn:pulumi:dev::p::native-buildx:index:PlatformImage::app-amd64";
    const build = async (steps: string[], { args, secrets }: Secrets) => {
        const declared = Object.keys(args).map((name) => `ARG ${name}`);
        const context = buildkit.context("app", [...fromStep, ...declared, ...steps]);
        const { inputs } = await provider.check(
            urn,
            {},
            {
                ...{ platform: "linux/amd64", runner: "amd64", builder: buildkit.builder, context, contexts: {} },
                ...{ args, secrets, tags: [`${buildkit.registry}/app:1`], cacheFrom: [], cacheTo: [] },
                here: { connect: "", project: buildkit.folder, buildsPerRunner: 1 },
            },
        );
        return provider.create(urn, inputs ?? {});
    };
    return { said, build };
}

test("an argument that is a secret is shown neither in a receipt nor while it is built, nor where that fails", async () => {
    const { said, build } = providerThatSays();
    const given = { args: { TOKEN: secret("s3cr3t-t0ken") }, secrets: {} };
    const { outs } = await build(["WORKDIR /$TOKEN"], given);
    const { args, ...others } = outs ?? {};
    expect(args).toMatchObject({ [specialSigKey]: specialSecretSig });
    expect(JSON.stringify(others)).toContain("WORKDIR /[secret]");
    const failing = ["WORKDIR /$TOKEN", 'RUN ["/step", "print", "x", "1", "fail"]', "COPY $TOKEN /"];
    const failure = await build(failing, given).catch(String);
    expect(failure).toContain("[secret]");
    expect(said.join("\n")).toContain("WORKDIR /[secret]");
    expect([JSON.stringify(others), String(failure), ...said].join("\n")).not.toContain("s3cr3t");
});

test("nor are secrets of several lines, and longer than what is shown, nor the lines of a key that a step prints", async () => {
    const { said, build } = providerThatSays();
    const key = `-----BEGIN KEY-----\n${"s3cr3tA".repeat(9)}\n${"s3cr3tB".repeat(9)}\n-----END KEY-----\n`;
    const args = { WORDS: secret("first-s3cr3t\nsecond\ts3cr3t"), TOKEN: secret("s3cr3t".repeat(100)) };
    const given = { args, secrets: { key: secret(key) } };
    const steps = ["WORKDIR /$WORDS", 'RUN ["/step", "print", "$TOKEN", "1"]'];
    const { outs: { receipt } = {} } = await build(steps, given);
    expect(JSON.stringify(receipt)).toMatch(/WORKDIR \/\[secret\]\\n.*\\"print\\", \\"\[secret\]\\"/);
    const printed = JSON.stringify(JSON.stringify(key).slice(1, -1));
    const failures = [
        [`RUN ["/step", "print", ${printed}, "1", "fail"]`, "    [secret]\n    [secret]\n    -----END KEY-----\n"],
        ['RUN --mount=type=secret,id=key ["/step", "expect", "/run/secrets/key", ""]', '"[secret]\\n" is in'],
        ["ADD https://127.0.0.1:1/$WORDS /", 'parse "https://127.0.0.1:1/[secret]"'],
    ] as const;
    for (const [step, shown] of failures) {
        const failure = await build([step], given).catch(String);
        expect(failure).toContain(shown);
        said.push(String(failure));
    }
    expect([JSON.stringify(receipt), ...said].join("\n")).not.toMatch(/s3cr3t/);
});
