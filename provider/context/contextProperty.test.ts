import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { Buildkit, describeWithBuildkit } from "../../tests/helpers/buildkit";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { arrivedTree } from "./arrivedTree";
import { type ContextEntry } from "./contextFiles";
import { hashFolder, sentFiles } from "./contextHash";
import { mutate, plantTree, Random } from "./randomTree";

/** A run of the same trees: `CONTEXT_SEED=N npx jest provider/context/contextProperty.test.ts`. */
const seed = Number(process.env.CONTEXT_SEED ?? Math.floor(Math.random() * 1e6));
const trees = 4;
const mutationsPerTree = 24;

const asArrived = (entries: readonly ContextEntry[]) =>
    Object.fromEntries(entries.map((entry) => [entry.path.toString("latin1"), describeEntry(entry)]));

function describeEntry({ type, mode, content }: ContextEntry): string {
    const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    switch (type) {
        case "folder":
            return `folder ${mode.toString(8)}`;
        case "file":
            return `file ${mode.toString(8)} ${content.toString("hex") || empty}`;
        default:
            return `${type} ${mode.toString(8)} ${content.toString("latin1")}`;
    }
}

describeWithBuildkit(`what a context's hash covers (CONTEXT_SEED=${seed})`, () => {
    const folder = temporaryFolder();
    const buildkit = new Buildkit();

    beforeAll(async () => {
        await buildkit.start();
    }, 60_000);

    afterAll(async () => {
        await buildkit.end();
        fs.rmSync(folder, { recursive: true, force: true });
    });

    /** A tree and its mutations, each a context of the same build. */
    async function plantVariants(tree: number): Promise<{ names: string[]; changes: string[] }> {
        const random = new Random(seed + tree);
        const names = Array.from({ length: mutationsPerTree + 1 }, (_unused, at) => `tree${tree}-${at}`);
        const [base = "", ...variants] = names.map((name) => path.join(folder, name));
        fs.mkdirSync(base);
        await plantTree(random, base);
        const changes = ["as it was"];
        for (const variant of variants) {
            execFileSync("cp", ["--archive", base, variant]);
            changes.push(await mutate(random, variant));
        }
        return { names, changes };
    }

    async function arrived(names: string[]): Promise<string> {
        const dockerfile = path.join(folder, "Dockerfile");
        const copies = names.map((name) => `COPY --from=${name} . /${name}/\n`).join("");
        fs.writeFileSync(dockerfile, `FROM scratch\n${copies}`);
        const empty = path.join(folder, "empty");
        fs.mkdirSync(empty, { recursive: true });
        const output = path.join(folder, `${names[0]}-output`);
        const contexts = Object.fromEntries(names.map((name) => [name, path.join(folder, name)]));
        await buildkit.buildFolder({ context: empty, contexts, dockerfile, output });
        return output;
    }

    test.each(Array.from({ length: trees }, (_unused, tree) => tree))(
        "tree %i: all that arrives and nothing else, before and after every mutation",
        async (tree) => {
            const { names, changes } = await plantVariants(tree);
            const output = await arrived(names);
            const seen = await Promise.all(
                names.map(async (name, at) => ({
                    change: changes[at],
                    arrived: arrivedTree(path.join(output, name)),
                    covered: asArrived(await sentFiles(path.join(folder, name), {})),
                    hash: await hashFolder(path.join(folder, name), {}),
                })),
            );
            for (const { change, arrived, covered } of seen) {
                expect({ change, ...covered }).toEqual({ change, ...arrived });
            }
            const [base] = seen;
            const different = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b);
            expect(seen.map(({ change, hash }) => [change, hash !== base?.hash])).toEqual(
                seen.map(({ change, arrived }) => [change, different(arrived, base?.arrived)]),
            );
        },
        60_000,
    );
});
