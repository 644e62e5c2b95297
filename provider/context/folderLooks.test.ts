import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { FolderLooks } from "./folderLooks";

describe("a look at a folder", () => {
    let folder: string;
    const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text);

    beforeEach(() => {
        folder = temporaryFolder();
        write("file", "first");
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it("serves every image once", async () => {
        const looks = new FolderLooks();
        const first = await looks.hash("arm64", folder, {});
        write("file", "second");
        expect(await looks.hash("amd64", folder, {})).toBe(first);
        const second = await looks.hash("arm64", folder, {});
        expect(second).not.toBe(first);
        expect(await looks.hash("amd64", folder, {})).toBe(second);
    });

    it("serves images that ask while it goes on", async () => {
        const looks = new FolderLooks(0);
        const [first, second] = [looks.hash("arm64", folder, {}), looks.hash("amd64", folder, {})];
        write("file", "second");
        expect(await first).toBe(await second);
    });

    it("serves nobody after its time", async () => {
        const looks = new FolderLooks(0);
        const first = await looks.hash("arm64", folder, {});
        write("file", "second");
        expect(await looks.hash("amd64", folder, {})).not.toBe(first);
    });

    it("serves images of other Dockerfiles, except those with an ignore file of their own", async () => {
        const looks = new FolderLooks();
        mkdirSync(path.join(folder, "a"));
        mkdirSync(path.join(folder, "b"));
        write("b/Dockerfile.dockerignore", "file\n");
        const [a, b] = ["a", "b"].map((name) => path.join(folder, name, "Dockerfile")) as [string, string];
        const hash = await looks.hash("a", folder, { dockerfile: a });
        expect(await looks.hash("b", folder, { dockerfile: b })).not.toBe(hash);
        write("file", "second");
        expect(await looks.hash("none", folder, {})).toBe(hash);
    });

    it("that failed serves nobody else", async () => {
        const looks = new FolderLooks();
        const later = path.join(folder, "later");
        await expect(looks.hash("arm64", later, {})).rejects.toThrow(`folder ${later} does not exist`);
        mkdirSync(later);
        expect(await looks.hash("amd64", later, {})).toMatch(/^[0-9a-f]{64}$/);
    });
});
