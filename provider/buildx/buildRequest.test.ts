import { buildCommand, dockerfileCommand } from "./buildRequest";

const least = { builder: "b", platform: "linux/arm64", context: ".", tags: ["r/a:1"] };
const words = (request: Partial<Parameters<typeof buildCommand>[0]>) =>
    buildCommand({ ...least, ...request }, "m.json").words;

test("the least that a build is", () => {
    expect(words({})).toEqual([
        "build",
        "--builder=b",
        "--platform=linux/arm64",
        "--progress=rawjson",
        "--metadata-file=m.json",
        "--push",
        "--tag=r/a:1",
        "--build-arg=BUILDKIT_BUILD_NAME=a:1",
        "--provenance=false",
        "--sbom=false",
        "--",
        ".",
    ]);
});

test.each<[Partial<Parameters<typeof buildCommand>[0]>, string]>([
    [{ dockerfile: "x y/Dockerfile" }, "--file=x y/Dockerfile"],
    [{ target: "t" }, "--target=t"],
    [{ args: { A: 'x,"y"\n=z' } }, '--build-arg=A=x,"y"\n=z'],
    [{ args: { EMPTY: "" } }, "--build-arg=EMPTY="],
    [{ args: { BUILDKIT_BUILD_NAME: "mine" } }, "--build-arg=BUILDKIT_BUILD_NAME=mine"],
    [{ contexts: { base: "docker-image://r/b@sha256:1" } }, "--build-context=base=docker-image://r/b@sha256:1"],
    [{ cacheFrom: ["type=gha"] }, "--cache-from=type=gha"],
    [{ cacheTo: ["type=inline"] }, "--cache-to=type=inline"],
    [{ ssh: ["default"] }, "--ssh=default"],
    [{ labels: { "a.b": "c, d" } }, "--label=a.b=c, d"],
    [{ annotations: { "index:x": "y" } }, "--annotation=manifest:index:x=y"],
    [{ provenance: true }, "--provenance=true"],
    [{ provenance: "max" }, "--provenance=mode=max"],
    [{ sbom: "r/s:1" }, "--sbom=generator=r/s:1"],
    [{ network: "none" }, "--network=none"],
    [{ shmSize: "128m" }, "--shm-size=128m"],
    [{ ulimits: ["nofile=1024:4096"] }, "--ulimit=nofile=1024:4096"],
    [{ addHosts: ["db:10.0.0.1"] }, "--add-host=db:10.0.0.1"],
    [{ noCache: true }, "--no-cache"],
    [{ pull: true }, "--pull"],
    [{ options: ["--allow=device"] }, "--allow=device"],
    [{ context: "-x" }, "-x"],
])("%j", (request, word) => {
    expect(words(request)).toContain(word);
});

test("the question for a Dockerfile pushes nothing, and has what leads to it", () => {
    const request = {
        ...least,
        context: "git@git.example:app.git",
        dockerfile: "x",
        ...{
            args: { BUILDKIT_SYNTAX: "s" },
            secrets: { GIT_AUTH_TOKEN: "t" },
            options: ["--policy=p"],
            cacheTo: ["c"],
        },
    };
    expect(dockerfileCommand(request)).toEqual({
        words: [
            ...["build", "--builder=b", "--platform=linux/arm64", "--progress=rawjson", "--call=targets,format=json"],
            ...["--file=x", "--build-arg=BUILDKIT_SYNTAX=s", "--secret=id=GIT_AUTH_TOKEN,env=NATIVE_BUILDX_SECRET_0"],
            ...["--ssh=default", "--policy=p", "--", "git@git.example:app.git"],
        ],
        environment: { NATIVE_BUILDX_SECRET_0: "t" },
    });
});

test("secrets are in the environment, and in no argument", () => {
    const secrets = { "a.b": "one\n", 'x,"y': "two" };
    const { words, environment } = buildCommand({ ...least, secrets }, "m.json");
    expect(environment).toEqual({ NATIVE_BUILDX_SECRET_0: "one\n", NATIVE_BUILDX_SECRET_1: "two" });
    expect(words).toContain("--secret=id=a.b,env=NATIVE_BUILDX_SECRET_0");
    expect(words).toContain('--secret="id=x,""y",env=NATIVE_BUILDX_SECRET_1');
    expect(words.join()).not.toMatch(/one|two/);
});

test.each([
    ["x".repeat(200_000), "is longer than 130972 bytes"],
    ["s3cr3t\0", "has bytes that are no text"],
    ["s3cr3t\ufffd", "has bytes that are no text"],
])("a secret that buildx cannot be given is refused by its id alone", (value, mistake) => {
    const refused = () => buildCommand({ ...least, secrets: { fine: "é\n", key: value } }, "m.json");
    expect(refused).toThrow(`Secret key ${mistake}`);
    expect(refused).not.toThrow(/s3cr3t|xx/);
});

test.each<[Partial<Parameters<typeof buildCommand>[0]>, string[]]>([
    [{ context: "git@git.example:app.git" }, ["--ssh=default"]],
    [{ context: "ssh://git@git.example/app.git#main", ssh: ["key=/k"] }, ["--ssh=key=/k", "--ssh=default"]],
    [{ contexts: { lib: "org-1@github.com:o/lib.git" } }, ["--ssh=default"]],
    [{ context: "git@git.example:app.git", ssh: ["default=/k"] }, ["--ssh=default=/k"]],
    [{ context: "https://git.example/app.git" }, []],
    [{ context: "./me@home" }, []],
])("contexts in git over ssh are read with the caller's agent: %j", (request, agents) => {
    expect(words(request).filter((word) => word.startsWith("--ssh"))).toEqual(agents);
});
