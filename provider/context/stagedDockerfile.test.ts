import * as fs from "node:fs";
import * as path from "node:path";
import { Buildkit, describeWithBuildkit } from "../../tests/helpers/buildkit";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { arrivedTree } from "./arrivedTree";
import { sentFiles } from "./contextHash";
import { locateDockerfile, stageDockerfile } from "./dockerfile";

describeWithBuildkit("a main context that is built with its staged Dockerfile", () => {
    const folder = temporaryFolder();
    const buildkit = new Buildkit();
    let builds = 0;

    beforeAll(async () => {
        await buildkit.start();
    }, 60_000);

    afterAll(async () => {
        await buildkit.end();
        fs.rmSync(folder, { recursive: true, force: true });
    });

    const dockerfileText = "FROM scratch\nCOPY . /\n";

    test.each<[string, { [file: string]: string }, string | undefined, string[]]>([
        ["without ignore file", { Dockerfile: dockerfileText }, undefined, ["Dockerfile", "a", "b"]],
        [
            "whose Dockerfile and ignore file are ignored",
            { Dockerfile: dockerfileText, ".dockerignore": "Dockerfile\n.dockerignore\na" },
            undefined,
            ["b"],
        ],
        [
            "whose Dockerfile is called dockerfile, with an ignore file of its own",
            { dockerfile: dockerfileText, "dockerfile.dockerignore": "*\n!b", ".dockerignore": "b" },
            undefined,
            ["b"],
        ],
        [
            "whose Dockerfile has an empty ignore file of its own",
            { "x.Dockerfile": dockerfileText, "x.Dockerfile.dockerignore": "", ".dockerignore": "*" },
            "x.Dockerfile",
            [".dockerignore", "a", "b", "x.Dockerfile", "x.Dockerfile.dockerignore"],
        ],
    ])(
        "%s",
        async (_what, files, declared, expected) => {
            const context = path.join(folder, `context-${builds}`);
            fs.mkdirSync(context);
            for (const [name, content] of Object.entries({ a: "a", b: "b", ...files })) {
                fs.writeFileSync(path.join(context, name), content);
            }
            const dockerfile = locateDockerfile(context, declared && path.join(context, declared));
            expect((await sentFiles(context, { dockerfile })).map((entry) => entry.path.toString())).toEqual(expected);
            expect(Object.keys(arrivedTree(await built(context, dockerfile))).sort()).toEqual(expected);
        },
        60_000,
    );

    test("whose Dockerfile is a link out of its folder", async () => {
        const context = path.join(folder, "linked");
        const elsewhere = path.join(folder, "elsewhere");
        fs.mkdirSync(context);
        fs.mkdirSync(elsewhere);
        fs.writeFileSync(path.join(elsewhere, "common"), dockerfileText);
        fs.symlinkSync("../elsewhere/common", path.join(context, "Dockerfile"));
        const arrived = arrivedTree(await built(context, path.join(context, "Dockerfile")));
        expect(arrived).toEqual({ Dockerfile: "link 777 ../elsewhere/common" });
    }, 60_000);

    async function built(context: string, dockerfile: string): Promise<string> {
        const target = path.join(folder, `staged-${builds}`);
        const output = path.join(folder, `output-${builds++}`);
        fs.mkdirSync(target);
        await buildkit.buildFolder({ context, dockerfile: await stageDockerfile(dockerfile, target), output });
        return output;
    }
});
