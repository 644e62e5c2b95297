import { buildCommand } from "../../provider/buildRequest";

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
        "--provenance=false",
        "--sbom=false",
        "--",
        ".",
    ]);
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
