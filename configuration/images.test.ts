import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { knownPlatforms } from "../components/architecture";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";
import { imageKeys } from "./images";
import { type ImageFacts, readImages } from "./readImages";

let facts: ImageFacts;
beforeAll(() => {
    const project = temporaryFolder();
    for (const folder of ["app", "base", "split/amd64", "empty"]) {
        mkdirSync(path.join(project, folder), { recursive: true });
        if (folder !== "empty") {
            writeFileSync(path.join(project, folder, "Dockerfile"), "FROM scratch AS final\nFROM final AS small\n");
        }
    }
    facts = { platforms: ["linux/amd64", "linux/arm64"], project, buildSecrets: ["token"] };
});
afterAll(() => rmSync(facts.project, { recursive: true }));

const mistakesOf = (images: unknown, changes: Partial<ImageFacts> = {}) =>
    readImages(images, { ...facts, ...changes }).mistakes;
/** Of one image. */
const mistakesOfApp = (app: unknown) => mistakesOf({ app });

describe("declarations without a mistake", () => {
    it.each<[string, unknown]>([
        ["none at all", {}],
        ["a context", { app: { context: "app" } }],
        [
            "everything",
            {
                app: {
                    context: "app",
                    dockerfile: "app/Dockerfile",
                    target: "final",
                    args: { A: "1", DEBUG: 1, FAST: true },
                    contexts: { more: "docker-image://debian:13" },
                    bases: ["base"],
                    secrets: ["token"],
                    tags: ["latest", "1.0_rc-1", "_x", "arm64", "1-arm64-2", "a".repeat(120)],
                    cache: "none",
                    platforms: ["linux/arm64"],
                    ssh: ["default", "deploy=/on/another/machine/key"],
                    cacheFrom: ["type=registry,ref=registry.example/cache", "registry.example/app:1"],
                    cacheTo: ["type=inline"],
                    labels: { "org.opencontainers.image.title": "App", empty: "" },
                    annotations: { "index:org.opencontainers.image.title": "App" },
                    sourceLabels: true,
                    provenance: "max",
                    sbom: "registry.example/generator:1",
                    network: "none",
                    shmSize: "128m",
                    ulimits: ["nofile=1024:4096", "core=0", "memlock=-1:-1"],
                    addHosts: ["db.internal:10.0.0.7", "six:[fd00::1]", "db=fd00::2"],
                    noCache: true,
                    trigger: "week 48",
                    options: ["--cgroup-parent=builds", "--no-cache-filter", "test"],
                    overrides: { "linux/arm64": { target: "small", args: { A: "2" } } },
                },
                base: { context: "base", cache: "registry" },
            },
        ],
        ["booleans where more could be said", { app: { context: "app", provenance: true, sbom: false } }],
        ["an empty list of tags", { app: { context: "app", tags: [] } }],
        ["a remote context", { app: { context: "https://github.com/example/app.git#main" } }],
        ["a git context", { app: { context: "git@github.com:example/app.git" } }],
        [
            "the other platform's folder by an override",
            {
                app: { context: "split/{arch}", overrides: { "linux/arm64": { context: "app" } } },
            },
        ],
        ["names with separators", { "a-b_c.d__e--f": { context: "app" } }],
        [
            "two images on one base",
            {
                app: { context: "app", bases: ["base"] },
                tool: { context: "app", bases: ["base", "app"] },
                base: { context: "base" },
            },
        ],
    ])("%s", (_what, images) => {
        expect(mistakesOf(images)).toEqual([]);
    });

    it("a folder that only a platform of another stack would need", () => {
        expect(mistakesOf({ app: { context: "split/{arch}" } }, { platforms: ["linux/amd64"] })).toEqual([]);
    });
});

describe("a mistake is one line that names setting and remedy", () => {
    it.each<[string, unknown, string[]]>([
        [
            "no context",
            {},
            ["images.app.context: missing; write the folder of the build context, relative to the project"],
        ],
        [
            "a context of the example that was not made yet",
            { context: "examples/encoder/none" },
            [
                "images.app.context: folder examples/encoder/none does not exist; create it or correct the path, or make the example's inputs: examples/encoder/prepare.sh",
            ],
        ],
        ["a key", { context: "app", ssh: ["k=~/k"] }, [expect.stringMatching(/^images\.app\.ssh: "k=~\/k": buildx /)]],
        [
            "a named context that BuildKit does not take, its name quoted where it must be",
            { context: "app", contexts: { "a.b": "ssh://git@host/r" } },
            [expect.stringMatching(/^images\.app\.contexts\["a\.b"\]: git repository ssh:/)],
        ],
        [
            "a malformed tag",
            { context: "app", tags: ["1.0", "no blanks"] },
            [
                'images.app.tags: "no blanks" is not a tag; use at most 120 letters, digits, ".", "_", "-", not beginning with "." or "-"',
            ],
        ],
        [
            "a base that is a named context, too",
            { context: "app", bases: ["app"], contexts: { app: "app" } },
            [
                'images.app.bases: "app": is a named context, too; rename one of them',
                "images: a cycle of bases: app -> app; take one of them out",
            ],
        ],
        [
            "an option that is ours",
            { context: "app", options: ["--allow=device", "--push"] },
            ['images.app.options: "--push" is set for every build already; leave it out: images are pushed'],
        ],
        [
            "a base that is not declared",
            { context: "app", bases: ["debian"] },
            ['images.app.bases: "debian": no such image is declared; declared: app'],
        ],
        [
            "itself as base",
            { context: "app", bases: ["app"] },
            ["images: a cycle of bases: app -> app; take one of them out"],
        ],
        [
            "a secret that is not set",
            { context: "app", secrets: ["token", "key"] },
            [
                'images.app.secrets: "key": setting buildSecrets has no such value; set it by: pulumi config set --secret --path buildSecrets.key VALUE',
            ],
        ],
        [
            "an override of an unknown platform",
            { context: "app", overrides: { "linux/mips": {} } },
            [`images.app.overrides["linux/mips"]: no such platform here; use: ${knownPlatforms.join(", ")}`],
        ],
        [
            "an override of what cannot differ",
            { context: "app", overrides: { "linux/arm64": { tags: ["x"] } } },
            [
                'images.app.overrides["linux/arm64"].tags: no such key; there are context, dockerfile, target, args, contexts',
            ],
        ],
        [
            "an override that is none",
            { context: "app", overrides: { "linux/arm64": "app" } },
            ['images.app.overrides["linux/arm64"]: must be {context: FOLDER, ...}, not "app"'],
        ],
        [
            "an override of the wrong shape",
            { context: "app", overrides: { "linux/arm64": { context: {} }, "linux/amd64": { dockerfile: ["a"] } } },
            [
                'images.app.overrides["linux/amd64"].dockerfile: must be the path of a Dockerfile, not ["a"]',
                'images.app.overrides["linux/arm64"].context: must be a folder or a URL, not {}',
            ],
        ],
        [
            "a key that does not exist",
            { context: "app", dockerFile: "x" },
            [`images.app.dockerFile: no such key; there are ${Object.keys(imageKeys).join(", ")}`],
        ],
        ["no object", "app", ['images.app: must be {context: FOLDER, ...}, not "app"']],
    ])("%s", (_what, app, mistakes) => {
        expect(mistakesOfApp(app)).toEqual(mistakes);
    });

    it.each<[string, unknown, string]>([
        ["context", {}, ": must be a folder or a URL, not {}"],
        ["context", "", ': must be a folder or a URL, not ""'],
        ["dockerfile", ["a"], ': must be the path of a Dockerfile, not ["a"]'],
        ["target", null, ": must be the name of a stage, not null"],
        ["args", ["A=1"], ': must be build arguments, NAME: value, not ["A=1"]'],
        ["args", { A: null }, ".A: must be a text, not null"],
        ["args", { "A=B": "1" }, '["A=B"]: "A=B" cannot be a name here'],
        ["contexts", "x", ': must be named contexts, NAME: folder, URL or docker-image://REF, not "x"'],
        ["contexts", { x: "" }, '.x: must be a folder, a URL, docker-image://REF or oci-layout://FOLDER, not ""'],
        ["bases", "base", ': must be a list of declared images, not "base"'],
        ["secrets", { token: 1 }, ': must be a list of names in setting buildSecrets, not {"token":1}'],
        ["ssh", "default", `: must be a list as in ["default", "ID=PATH"], not "default"`],
        ["ssh", ["=x"], `[0]: must be "default", ID, or ID=PATH of a key or an agent's socket, not "=x"`],
        [
            "platforms",
            ["linux/mips"],
            `[0]: must be ${knownPlatforms.map((platform) => `"${platform}"`).join(" or ")}, not "linux/mips"`,
        ],
        ["platforms", [], ": must name at least one platform; leave the key out for all of them"],
        ["platforms", ["linux/arm64", "linux/arm64"], ': "linux/arm64" is there twice; take one out'],
        ["tags", "latest", ': must be a list of tags, not "latest"'],
        ["cache", "local", ': must be "registry" or "none", not "local"'],
        ["cacheFrom", "x", ': must be a list of caches, not "x"'],
        ["cacheTo", [{}], "[0]: must be a cache as buildx writes it, as in type=registry,ref=REF, not {}"],
        ["labels", ["a"], ': must be labels, NAME: value, not ["a"]'],
        ["annotations", { a: [] }, ".a: must be a text, not []"],
        ["sourceLabels", "yes", ': must be true or false, not "yes"'],
        ["provenance", "all", ': must be true or false or "min" or "max", not "all"'],
        ["sbom", 1, ": must be true, false or the reference of a generator's image, not 1"],
        ["network", "host", ': must be "default" or "none", not "host"'],
        ["shmSize", "much", ': must be a size, as in 128m, not "much"'],
        ["ulimits", ["files=1"], '[0]: must be a limit NAME=SOFT:HARD, as in nofile=1024:4096, not "files=1"'],
        ["compileCluster", true, ': must be "awake" or "wake", not true'],
        [
            "compileCluster",
            "awake",
            ": the runners are not in a compile cluster; set compileCluster: true for them, or remove the key here",
        ],
        ["addHosts", ["db"], '[0]: must be NAME:ADDRESS, as in db.internal:10.0.0.7, not "db"'],
        ["addHosts", ["db:1.2.3"], ': "db:1.2.3": 1.2.3 is not an IP address; write NAME:ADDRESS'],
        ["noCache", 1, ": must be true or false, not 1"],
        ["trigger", [], ": must be a text, not []"],
        ["options", "--pull", ': must be a list of options of docker buildx build, not "--pull"'],
        ["overrides", [], ": must be PLATFORM: what is different there, not []"],
    ])("%s: %j", (key, value, mistake) => {
        expect(mistakesOfApp({ context: "app", [key]: value })).toEqual([`images.app.${key}${mistake}`]);
    });

    it.each(["a b", "-1", ".1", "v1+meta", "a/b", "a:b", "ä", "a".repeat(121), "1\n2"])("tag %j", (tag) => {
        const [mistake = ""] = mistakesOfApp({ context: "app", tags: [tag] });
        expect(mistake).toContain(" is not a tag; use at most 120 ");
    });

    const ofPlatform = (arch: string) => `a platform's image, which gets "-${arch}" by itself; leave that out`;
    const ofCaches = 'build caches, which expire, as is all that begins with "cache-"; choose another';
    it.each([
        ["1-amd64", ofPlatform("amd64")],
        ["2-arm64", ofPlatform("arm64")],
        ...["cache", "cache-arm64", "cache-1"].map((tag) => [tag, ofCaches]),
    ])("tag %j, which is kept", (tag, why) => {
        const tags = ["1", "cached", "my-cache", tag];
        expect(mistakesOfApp({ context: "app", tags })).toEqual([`images.app.tags: "${tag}" is kept for ${why}`]);
    });

    it.each(["App", "-a", "a-", "a___b"])("name %j", (name) => {
        expect(mistakesOf({ [name]: { context: "app" } })).toEqual([
            `images.${name}: "${name}" cannot be a repository's name; use lower case letters, digits, ".", "_", "-"`,
        ]);
    });

    it.each(["a b", "a/b", "ä", "a.B"])("name %j, written as in pulumi config set --path", (name) => {
        expect(mistakesOf({ [name]: { context: "app" } })).toEqual([
            `images["${name}"]: "${name}" cannot be a repository's name; use lower case letters, digits, ".", "_", "-"`,
        ]);
    });

    it.each([[null], ["app"], [["app"]], [7]])("images: %j", (images) => {
        expect(mistakesOf(images)).toEqual([`images: must be NAME: {context: FOLDER}, not ${JSON.stringify(images)}`]);
    });

    it("platforms that the stack, or a base, does not have", () => {
        const images = {
            app: { context: "app", bases: ["base"], platforms: ["linux/amd64", "linux/arm64"] },
            base: { context: "base", platforms: ["linux/arm64"] },
        };
        expect(mistakesOf(images)).toEqual([
            'images.app.bases: "base": is not built for linux/amd64; add that to its platforms',
        ]);
        expect(mistakesOf(images, { platforms: ["linux/arm64"] })).toEqual([
            'images.app.platforms: "linux/amd64" is not in setting platforms; add it there or remove it here',
        ]);
    });

    it("and all are told together", () => {
        const mistakes = mistakesOf({
            Bad: { context: "gone", tags: ["no blanks"], bases: ["none"], secrets: ["key"] },
            shape: { context: [], colour: "red", tags: ["-"], bases: ["none"] },
            a: { context: "app", bases: ["b"] },
            b: { context: "app", bases: ["a"] },
        });
        expect(mistakes.map((mistake) => mistake.slice(0, mistake.indexOf(":")))).toEqual([
            "images.Bad",
            "images.Bad.context",
            "images.Bad.tags",
            "images.Bad.secrets",
            "images.Bad.bases",
            "images.shape.context",
            "images.shape.colour",
            "images.shape.tags",
            "images.shape.bases",
            "images",
        ]);
    });
});
