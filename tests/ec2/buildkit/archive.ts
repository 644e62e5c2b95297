import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import type { Simulation } from "../../../packages/simulated-ec2";

/** Settings of a stack that say where runners download BuildKit. */
export interface BuildkitSettings {
    buildkitUrl: string;
    buildkitSha256: { [platform: string]: string };
}

/** Lets the simulation's machines download BuildKit, as from its releases. */
export function publishBuildkit(simulation: Simulation): BuildkitSettings {
    const folder = execFileSync(path.join(__dirname, "pack.sh"), { encoding: "utf8" }).trim();
    const found = readdirSync(folder).map((name) => {
        const file = path.join(folder, name);
        const arch = /linux-(.*)\.tar\.gz$/.exec(name)?.[1] ?? "";
        const digest = createHash("sha256").update(readFileSync(file)).digest("hex");
        return { url: simulation.publish(file).replace(arch, "{arch}"), platform: `linux/${arch}`, digest };
    });
    return {
        buildkitUrl: found[0]?.url ?? "",
        buildkitSha256: Object.fromEntries(found.map(({ platform, digest }) => [platform, digest])),
    };
}
