import * as fs from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { dockerfileText, hashDockerfile, locateDockerfile, ownIgnoreFile, stageDockerfile } from "./dockerfile";

const folder = temporaryFolder();
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

let folders = 0;
function newFolder(files: { [name: string]: string } = {}): string {
    const made = path.join(folder, `${folders++}`);
    fs.mkdirSync(made);
    for (const [name, content] of Object.entries(files)) {
        fs.writeFileSync(path.join(made, name), content);
    }
    return made;
}

describe("where the Dockerfile is", () => {
    test.each([
        ["in the context", ["Dockerfile"], undefined, "Dockerfile"],
        ["in small letters, where there is no other", ["dockerfile"], undefined, "dockerfile"],
        ["not in small letters, where there is", ["dockerfile", "Dockerfile"], undefined, "Dockerfile"],
        ["nowhere", [], undefined, "Dockerfile"],
        ["as declared", ["dockerfile", "my.Dockerfile"], "my.Dockerfile", "my.Dockerfile"],
    ])("%s", (_where, files, declared, expected) => {
        const context = newFolder(Object.fromEntries(files.map((name) => [name, ""])));
        const dockerfile = declared && path.join(context, declared);
        expect(locateDockerfile(context, dockerfile)).toBe(path.join(context, expected));
    });
});

test("the text of a Dockerfile, if it can be read", () => {
    const made = newFolder({ Dockerfile: "FROM a" });
    fs.symlinkSync("loop", path.join(made, "loop"));
    expect(["Dockerfile", "gone", "loop", "."].map((name) => dockerfileText(path.join(made, name)))).toEqual([
        "FROM a",
        ...[undefined, undefined, undefined],
    ]);
});

describe("the hash of a Dockerfile", () => {
    test("is of its content, through links, and not of its place", async () => {
        const real = path.join(newFolder({ Dockerfile: "FROM scratch" }), "Dockerfile");
        const link = path.join(newFolder(), "Dockerfile");
        fs.symlinkSync(real, link);
        const before = await hashDockerfile(link);
        expect(await hashDockerfile(real)).toBe(before);
        fs.writeFileSync(real, "FROM base");
        expect(await hashDockerfile(link)).not.toBe(before);
    });

    test("covers its policy", async () => {
        const real = path.join(newFolder({ Dockerfile: "FROM scratch" }), "Dockerfile");
        const before = await hashDockerfile(real);
        fs.writeFileSync(`${real}.rego`, "package docker");
        expect(await hashDockerfile(real)).not.toBe(before);
    });

    test.each([
        ["missing", (file: string) => fs.rmSync(file, { force: true }), "there is no such file"],
        ["a folder", (file: string) => fs.mkdirSync(file), "it is a folder"],
        ["a link to itself", (file: string) => fs.symlinkSync("Dockerfile", file), "its link leads to itself"],
    ])("%s: an error with the path", async (_what, make, reason) => {
        const file = path.join(newFolder(), "Dockerfile");
        make(file);
        await expect(hashDockerfile(file)).rejects.toThrow(`Dockerfile ${file} cannot be read: ${reason}`);
    });
});

describe("a staged Dockerfile", () => {
    test("keeps its name, and is a file with what belongs to it beside it", async () => {
        const real = newFolder({ "app.Dockerfile": "FROM scratch", "app.Dockerfile.dockerignore": "a" });
        const place = newFolder({ "app.Dockerfile.rego": "package docker" });
        fs.symlinkSync(path.join(real, "app.Dockerfile"), path.join(place, "app.Dockerfile"));
        fs.symlinkSync(path.join(real, "app.Dockerfile.dockerignore"), path.join(place, "app.Dockerfile.dockerignore"));
        const target = newFolder();
        const staged = await stageDockerfile(path.join(place, "app.Dockerfile"), target);
        expect(staged).toBe(path.join(target, "app.Dockerfile"));
        expect(fs.lstatSync(staged).isFile()).toBe(true);
        expect(fs.readFileSync(staged, "utf8")).toBe("FROM scratch");
        expect(fs.readFileSync(`${staged}.dockerignore`, "utf8")).toBe("a");
        expect(fs.readFileSync(`${staged}.rego`, "utf8")).toBe("package docker");
    });

    test("has an ignore file exactly when the Dockerfile has one, never an empty one", async () => {
        const place = newFolder({ Dockerfile: "", "other.Dockerfile": "", "other.Dockerfile.dockerignore": "" });
        const target = newFolder();
        await stageDockerfile(path.join(place, "Dockerfile"), target);
        await stageDockerfile(path.join(place, "other.Dockerfile"), target);
        expect(fs.readdirSync(target)).toEqual(["Dockerfile", "other.Dockerfile", "other.Dockerfile.dockerignore"]);
        expect(await ownIgnoreFile(path.join(target, "other.Dockerfile"))).toEqual(Buffer.from("\n"));
    });
});
