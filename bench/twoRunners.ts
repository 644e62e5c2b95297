import * as fs from "node:fs/promises";
import * as path from "node:path";
import type { Platform } from "../components/architecture";
import { namedRunners } from "../components/runner/runnerNames";
import type { ImageDeclaration, ImageDraft } from "../configuration/images";
import type { Time } from "./figures";
import type { Sandbox } from "./sandbox";

const platform: Platform = "linux/amd64";
const names = Array.from({ length: 8 }, (_, at) => `encoder-${at + 1}`);

/** `pulumi up` of eight images, nothing cached, on two runners of a platform and on one, each of them on a core of its own. */
export async function twoRunners(
    sandbox: Sandbox,
    { base = { context: "" } }: { [name: string]: ImageDeclaration },
    time: Time,
): Promise<void> {
    for (const name of names) {
        await copyOfExample(sandbox, name);
    }
    const encoders = Object.fromEntries(
        names.map((name): [string, ImageDraft] => [name, { context: `encoders/${name}`, bases: ["base"] }]),
    );
    for (const [name, runnersPerPlatform] of [
        ["upTwoRunners", 2],
        ["upOneRunner", 1],
    ] as const) {
        const settings = { platforms: [platform], runnersPerPlatform };
        await sandbox.configure({ ...settings, images: { base } });
        await sandbox.up();
        const runners = namedRunners([platform], runnersPerPlatform).map(({ runner }) => runner);
        await sandbox.connect(await sandbox.output("connect"), runners);
        await sandbox.prune(runners);
        await sandbox.forget(names);
        for (const [core, runner] of runners.entries()) {
            await sandbox.holdToCore(runner, core);
        }
        await sandbox.configure({ ...settings, images: { base, ...encoders } });
        await time(name, () => sandbox.up());
    }
}

/** It compiles all of the library by itself: no two images share a step behind their base. */
async function copyOfExample(sandbox: Sandbox, name: string): Promise<void> {
    const folder = path.join(sandbox.project, "encoders", name);
    await fs.cp(path.join(sandbox.project, "examples/encoder/app"), folder, { recursive: true });
    await fs.appendFile(path.join(folder, "libmp3lame.mk"), `# ${name}\n`);
}
