import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { Buildkit, describeWithBuildkit } from "../../tests/helpers/buildkit";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { nameContext } from "./contextName";

describeWithBuildkit("what is sent to a runner that has been used before", () => {
    const folder = temporaryFolder();
    const store = path.join(folder, "store");
    const dockerfile = path.join(folder, "Dockerfile");
    const buildkit = new Buildkit();
    let builds = 0;

    beforeAll(async () => {
        await buildkit.start();
        fs.writeFileSync(dockerfile, "FROM scratch\nCOPY . /main\nCOPY --from=more . /more\n");
    }, 60_000);

    afterAll(async () => {
        await buildkit.end();
        fs.rmSync(folder, { recursive: true, force: true });
    });

    function context(name: string, files: { [name: string]: string | Buffer }): string {
        const made = path.join(folder, name);
        fs.mkdirSync(made, { recursive: true });
        for (const [file, content] of Object.entries(files)) {
            fs.writeFileSync(path.join(made, file), content);
            fs.utimesSync(path.join(made, file), 1_600_000_000, 1_600_000_000);
        }
        return made;
    }

    /** Builds as the provider does. */
    async function build(image: string, main: string, more: string): Promise<{ output: string; sent: number }> {
        const named = await Promise.all([
            nameContext(main, { store, builder: "test", use: image, dockerfile }),
            nameContext(more, { store, builder: "test", use: `${image} more` }),
        ]);
        const output = path.join(folder, `output-${builds++}`);
        const inputs = { context: named[0].path, contexts: { more: named[1].path }, dockerfile, output };
        const { sent } = await buildkit.buildFolder(inputs);
        await Promise.all(named.map(({ done }) => done(true)));
        return { output, sent };
    }

    const built = (output: string, file: string) => fs.readFileSync(path.join(output, file), "utf8");

    test("two images, whose folders have one name and files of equal size and time, get their own", async () => {
        const [a, b] = ["a", "b"].map((name) => ({
            main: context(`${name}/docker`, { "v.txt": `${name}1` }),
            more: context(`${name}/more`, { "v.txt": `${name}2` }),
        })) as [{ main: string; more: string }, { main: string; more: string }];
        const first = await build("a", a.main, a.more);
        const second = await build("b", b.main, b.more);
        expect([built(first.output, "main/v.txt"), built(first.output, "more/v.txt")]).toEqual(["a1", "a2"]);
        expect([built(second.output, "main/v.txt"), built(second.output, "more/v.txt")]).toEqual(["b1", "b2"]);
    }, 60_000);

    test("an edit under the old size and time arrives, in the main context and in a named one", async () => {
        const main = context("edited", { "v.txt": "old" });
        const more = context("edited-more", { "v.txt": "old" });
        await build("edited", main, more);
        context("edited", { "v.txt": "new" });
        context("edited-more", { "v.txt": "new" });
        const { output } = await build("edited", main, more);
        expect([built(output, "main/v.txt"), built(output, "more/v.txt")]).toEqual(["new", "new"]);
    }, 60_000);

    test("two builds of one context at once both get it", async () => {
        const main = context("shared", { "v.txt": "shared" });
        const more = context("shared-more", { "v.txt": "more" });
        const both = await Promise.all([build("shared", main, more), build("shared", main, more)]);
        expect(both.map(({ output }) => built(output, "main/v.txt"))).toEqual(["shared", "shared"]);
    }, 60_000);

    test("an ordinary edit in a large context sends the file, and not the rest", async () => {
        const large = 32 << 20;
        const main = context("large", { "data.bin": randomBytes(large), "v.txt": "old" });
        const more = context("large-more", { "data.bin": randomBytes(large) });
        expect((await build("large", main, more)).sent).toBeGreaterThan(2 * large);
        fs.writeFileSync(path.join(main, "v.txt"), "edited");
        const { output, sent } = await build("large", main, more);
        expect(built(output, "main/v.txt")).toBe("edited");
        expect(sent).toBeLessThan(10_000);
    }, 60_000);

    test("a context folder and files named with letters outside ASCII are built", async () => {
        const main = context("größe", { "ß.txt": "ß" });
        const { output } = await build("größe", main, context("größe-more", {}));
        expect(built(output, "main/ß.txt")).toBe("ß");
    }, 60_000);
});
