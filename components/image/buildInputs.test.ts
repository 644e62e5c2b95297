import { withBuildx } from "../../provider/buildx/buildx";
import { Buildkit } from "../../tests/helpers/buildkit";
import { fromStep } from "../../tests/helpers/stepImage";

jest.setTimeout(120_000);

const buildkit = new Buildkit();
beforeAll(() => buildkit.start());
afterAll(() => buildkit.end());

const using = <T>(run: Parameters<typeof withBuildx<T>>[1]) =>
    withBuildx({ logins: [], environment: buildkit.environment }, run);
/** A step that fails unless a file says this, or has it somewhere in it; escapes are Go's. */
const step = (word: "expect" | "find", file: string, text: string, flags = "") =>
    `RUN ${flags} ${JSON.stringify(["/step", word, file, text])}`;
const ref = (name: string, digest: string) => `${buildkit.registry}/${name}@${digest}`;
const tags = (name: string, tag: string) => [`${buildkit.registry}/${name}:${tag}`];

test("secrets arrive byte by byte, whatever their ids are", async () => {
    const secrets = { key: "-----BEGIN\n\"x\", 'y'\\\n-----END\n", ".npmrc": "", "pip.conf": "ö\t=" };
    const mount = (id: string) => `--mount=type=secret,id=${id},required,target=/secret`;
    const context = buildkit.context("secrets", [
        ...fromStep,
        ...Object.entries(secrets).map(([id, text]) =>
            step("expect", "/secret", JSON.stringify(text).slice(1, -1), mount(id)),
        ),
    ]);
    await buildkit.build({ context, secrets });
});

test("arguments, labels, annotations and a target arrive as they were given", async () => {
    const strange = `a, "b" 'c'\n=\\ö$X`;
    const context = buildkit.context("inputs", [
        ...fromStep.map((line) => (line.startsWith("FROM") ? `${line} AS wanted` : line)),
        "ARG STRANGE",
        "ARG EMPTY=full",
        'LABEL argument="$STRANGE" empty="$EMPTY"',
        "FROM wanted AS another",
        "LABEL argument=wrong",
    ]);
    const { digest } = await buildkit.build({
        context,
        target: "wanted",
        args: { STRANGE: strange, EMPTY: "" },
        labels: { "label.given": strange },
        annotations: { "org.example:note": strange },
    });
    const labels = { argument: strange, empty: "", "label.given": strange };
    expect((await buildkit.config(`app@${digest}`)).config.Labels).toEqual(labels);
    const manifest = JSON.parse(await buildkit.run("crane", ["manifest", ref("app", digest)]));
    expect(manifest.annotations).toEqual({ "org.example:note": strange });
});

test("what the steps run in", async () => {
    const context = buildkit.context("steps", [
        ...fromStep,
        step("find", "/proc/self/limits", " 4096                 files"),
        step("find", "/proc/self/mounts", "size=8192k"),
        step("find", "/etc/hosts", "10.0.0.5\\tdb.internal"),
    ]);
    const settings = { ulimits: ["nofile=1024:4096"], shmSize: "8m", addHosts: ["db.internal:10.0.0.5"] };
    await buildkit.build({ context, ...settings, network: "none", options: ["--cgroup-parent=nbx"] });
});

test("an option that buildx does not know is told", async () => {
    const context = buildkit.context("option", fromStep);
    await expect(buildkit.build({ context, options: ["--no-such"] })).rejects.toThrow(
        /unknown flag: --no-such[\s\S]*an entry of the image's options is wrong/,
    );
});

describe("an image of two platforms", () => {
    const sources: { [platform: string]: string } = {};
    let context: string;

    beforeAll(async () => {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the Dockerfile's own
        context = buildkit.context("base", [...fromStep, "COPY step-${TARGETARCH} /arch-${TARGETARCH}"]);
        for (const platform of ["linux/amd64", "linux/arm64"]) {
            const built = await buildkit.build({ context, platform, tags: tags("base", platform.slice(6)) });
            sources[platform] = ref("base", built.digest);
        }
    });

    test("is joined under all its tags, and read back", async () => {
        const [one, two] = [...tags("base", "1"), ...tags("base", "2")];
        await using(async (buildx) => {
            const index = {
                tags: [one ?? "", two ?? ""],
                sources: Object.values(sources),
                annotations: { "index:a:b": "c, d", "manifest-descriptor[linux/arm64]:e": "f" },
            };
            const digest = await buildx.joinIndex(index);
            expect(await buildx.digestOf(one ?? "")).toBe(digest);
            expect(await buildx.digestOf(two ?? "")).toBe(digest);
            const { manifests = [], annotations } = await buildx.readIndex(ref("base", digest));
            expect(manifests.map((manifest) => ref("base", manifest.digest))).toEqual(Object.values(sources));
            expect(annotations).toEqual({ "a:b": "c, d" });
            const besides = manifests.map(({ platform, ...entry }) => [platform?.architecture, entry.annotations]);
            expect(Object.fromEntries(besides)).toEqual({ amd64: undefined, arm64: { e: "f" } });
        });
    });

    test("brings its attestations into the index", async () => {
        const built = await buildkit.build({ context, provenance: "max", tags: tags("attested", "amd64") });
        await using(async (buildx) => {
            const digest = await buildx.joinIndex({
                tags: tags("attested", "1"),
                sources: [ref("attested", built.digest)],
            });
            const { manifests = [] } = await buildx.readIndex(ref("attested", digest));
            expect(manifests.map(({ platform }) => platform?.architecture)).toEqual(["amd64", "unknown"]);
        });
    });

    test("as a context gives each FROM the platform it asks for", async () => {
        const app = buildkit.context("uses-base", [
            "FROM --platform=linux/amd64 base AS foreign",
            "FROM base",
            "COPY --from=foreign /arch-amd64 /foreign",
            "COPY --from=base /arch-arm64 /own",
        ]);
        await buildkit.build({ context: app, platform: "linux/arm64", contexts: { base: sources } });
        expect((await buildkit.config("app:latest")).architecture).toBe("arm64");
    });

    test("as a context gives an error for a platform that it has not", async () => {
        const app = buildkit.context("uses-other", [
            "FROM --platform=linux/amd64 base AS foreign",
            "FROM base",
            "COPY --from=foreign /step /foreign",
        ]);
        const only = { "linux/arm64": sources["linux/arm64"] ?? "" };
        const build = buildkit.build({ context: app, platform: "linux/arm64", contexts: { base: only } });
        await expect(build).rejects.toThrow(
            /no match for platform in manifest[\s\S]*>>> FROM --platform=linux\/amd64 base/,
        );
    });

    test("must not become the last stage of another platform's image", async () => {
        const foreign = sources["linux/amd64"] ?? "";
        const last = buildkit.context("last", ["# An image", `FROM --platform=linux/amd64 ${foreign}`]);
        await expect(buildkit.build({ context: last, platform: "linux/arm64" })).rejects.toThrow(
            `Dockerfile:2: FROM --platform=linux/amd64 ${foreign}: this makes the image for linux/arm64 out of one`,
        );
        await buildkit.build({ context: last, platform: "linux/amd64" });

        // Nothing in the Dockerfile tells it, but the image does.
        const untold = buildkit.context("untold", [`FROM ${foreign}`, "LABEL a=b"]);
        await expect(buildkit.build({ context: untold, platform: "linux/arm64" })).rejects.toThrow(
            `Dockerfile:1: FROM ${foreign}: this makes the image for linux/arm64 out of one for linux/amd64`,
        );
    });
});
