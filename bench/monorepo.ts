import * as fs from "node:fs/promises";
import * as path from "node:path";
import { setTimeout } from "node:timers/promises";
import { defaultPlatforms } from "../components/architecture";
import type { ImageDeclaration } from "../configuration/images";
import type { Measurement, Time } from "./figures";
import { writeFiles } from "./hashing";
import { quiet } from "./quiet";
import { type Sandbox, stackName } from "./sandbox";

const names = Array.from({ length: 20 }, (_, at) => `service-${String(at + 1).padStart(2, "0")}`);

/**
 * 20 images in folders of one project, each the example's encoder with a line of its own: all compile the same library, which
 * is in the runners' caches, and each its own program.
 */
export class Monorepo {
    /** The image that changes. */
    private readonly changed = "service-07";
    private changes = 0;

    private constructor(private readonly sandbox: Sandbox) {}

    /** All are built and pushed, by `pulumi up` and by bake, and the runners are awake. */
    static async built(sandbox: Sandbox, { base }: { [name: string]: ImageDeclaration }): Promise<Monorepo> {
        const monorepo = new Monorepo(sandbox);
        for (const name of names) {
            await fs.cp(path.join(sandbox.project, "examples/encoder/app"), monorepo.folderOf(name), {
                recursive: true,
            });
            await monorepo.write(name, name);
        }
        const images = { base: base ?? {}, "services/*": { bases: ["base"] } };
        await sandbox.configure({ platforms: [...defaultPlatforms], images });
        await sandbox.up();
        await sandbox.connect(await sandbox.output("connect"));
        await monorepo.writeBakeFile();
        await monorepo.bake();
        return monorepo;
    }

    /**
     * Puts 1,000 files of 8 KB in each folder, as source trees and their assets have them, which each image's last compilation
     * gets to see; and builds all again.
     */
    async fill(): Promise<void> {
        for (const name of names) {
            await writeFiles(path.join(this.folderOf(name), "assets"), { files: 1000, bytes: 8192, folders: 20 });
            const dockerfile = path.join(this.folderOf(name), "Dockerfile");
            const text = await fs.readFile(dockerfile, "utf8");
            await fs.writeFile(dockerfile, text.replace("COPY encode.c ./", "COPY encode.c ./\nCOPY assets assets/"));
        }
        await this.sandbox.up();
        await this.bake();
        // Files that were just made are read at every `up`: see provider/context/digestLog.ts.
        await setTimeout(61_000);
        await this.sandbox.up();
    }

    /** One image changes, each time anew: bake of that one, `pulumi up`, bake of all. */
    async measure([one, up, all]: [Measurement, Measurement, Measurement], time: Time): Promise<void> {
        const actions: [Measurement, () => Promise<void>][] = [
            [one, () => this.bake([this.changed])],
            [up, () => this.sandbox.up()],
            [all, () => this.bake()],
        ];
        for (const [name, action] of actions) {
            await this.change();
            await quiet();
            await time(name, action);
        }
    }

    /** Changes a line of one image's program. */
    private async change(): Promise<void> {
        this.changes += 1;
        await this.write(this.changed, `${this.changed}, change ${this.changes}`);
    }

    /** Builds and pushes by `docker buildx bake`, on the builder of all runners. @param targets @default all */
    private async bake(targets: string[] = []): Promise<void> {
        await this.sandbox.docker(["buildx", "bake", "--builder", stackName, "--progress", "plain", ...targets]);
    }

    private folderOf(name: string): string {
        return path.join(this.sandbox.project, "services", name);
    }

    /** A line that ends up in the program: a comment would not change it. Other parts of the bench append one of their own. */
    private async write(name: string, text: string): Promise<void> {
        const line = `const char native_buildx_service[] = "${text}";\n`;
        const program = await fs.readFile(path.join(this.sandbox.project, "examples/encoder/app/encode.c"), "utf8");
        await fs.writeFile(path.join(this.folderOf(name), "encode.c"), program + line);
    }

    /** The same contexts, base, platforms and registry as `pulumi up`, and as little besides. */
    private async writeBakeFile(): Promise<void> {
        const repositoryUrl = await this.sandbox.output("repositoryUrl");
        const images = JSON.parse(await this.sandbox.output("images")) as { base: { ref: string } };
        const targets = names.map((name) => [
            name,
            {
                context: path.join("services", name),
                contexts: { base: `docker-image://${images.base.ref}` },
                platforms: defaultPlatforms,
                tags: [`${repositoryUrl}/${name}:bake`],
                output: ["type=registry"],
                attest: ["type=provenance,disabled=true"],
            },
        ]);
        await fs.writeFile(
            path.join(this.sandbox.project, "docker-bake.json"),
            JSON.stringify({ group: { default: { targets: names } }, target: Object.fromEntries(targets) }),
        );
    }
}
