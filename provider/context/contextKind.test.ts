import * as fs from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/contextBuildkit";
import { hashOciLayout, kindOf, ociLayoutFolder } from "./contextKind";

const folder = temporaryFolder();
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test.each([
    ["app", "folder", "folder"],
    ["../app", "folder", "folder"],
    ["git://host/repo", "git", "git"],
    ["git@host:repo.git", "git", "git"],
    ["https://host/repo.git#main", "git", "git"],
    ["https://host/archive.tar.gz", "http", "http"],
    ["HTTPS://host/archive.tar.gz", "folder", "folder"],
    ["docker-image://base", "folder", "image"],
    ["target:base", "folder", "target"],
    ["oci-layout://layout", "folder", "oci-layout"],
])("%s as a main context is a %s, as a named one a %s", (context, main, named) => {
    expect([kindOf(context, folder, false), kindOf(context, folder, true)]).toEqual([main, named]);
});

test("a folder that is there goes before an address, in a main context", () => {
    fs.mkdirSync(path.join(folder, "github.com/o/r"), { recursive: true });
    expect(kindOf("github.com/o/r", folder, false)).toBe("folder");
    expect(kindOf("github.com/o/r", "/", false)).toBe("git");
});

test.each(["github.com/o/r", "ssh://git@host/r", "org-1@github.com:o/r.git", "HTTPS://host/r.git"])(
    "%s: BuildKit does not take it as a named context, so it is an error with the forms it takes",
    (context) => {
        expect(kindOf(context, "/", false)).toBe("git");
        expect(() => kindOf(context, "/", true)).toThrow("BuildKit takes https://HOST/PATH.git, git@HOST:PATH");
    },
);

test.each([
    ["oci-layout://a/b", "a/b"],
    ["oci-layout:///a/b:1.0", "/a/b"],
    [`oci-layout://./a@sha256:${"0".repeat(64)}`, "./a"],
    [`oci-layout://a:latest@sha256:${"0".repeat(64)}`, "a"],
    ["oci-layout://a@b/c", "a@b/c"],
    ["oci-layout://a:b/c", "a:b/c"],
])("the folder of %s is %s", (context, expected) => expect(ociLayoutFolder(context)).toBe(expected));

test("an OCI layout is hashed by its index", async () => {
    const layout = path.join(folder, "layout");
    fs.mkdirSync(layout);
    await expect(hashOciLayout("oci-layout://layout:1", folder)).rejects.toThrow(`${layout}/index.json does not exist`);
    fs.writeFileSync(path.join(layout, "index.json"), "{}");
    const before = await hashOciLayout("oci-layout://layout:1", folder);
    fs.writeFileSync(path.join(layout, "index.json"), '{"manifests":[]}');
    expect(await hashOciLayout("oci-layout://layout:1", folder)).not.toBe(before);
});
