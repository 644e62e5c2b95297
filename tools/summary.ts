// The end of `make up`: what was pushed, how long it took, what to do next. Reads the stack's outputs (JSON, without
// secrets) on standard input and the file of the last up's timings that is named as argument.
import { existsSync, readFileSync } from "node:fs";
import { architectures, type Platform } from "../components/architecture";
import type { Timings } from "../components/remoteBuilder/timings";

/** Stack outputs, as DESIGN section 9 has them. */
export interface Outputs {
    repositoryUrl: string;
    builder: string;
    images: { [name: string]: { ref: string; platforms: { [P in Platform]?: string } } };
}

/** Renders the summary. `timings` has only what was built this time. */
export function summary(outputs: Outputs, timings: Timings, stack: string): string {
    const images = Object.entries(outputs.images).flatMap(([name, image]) => {
        const platforms = Object.entries(image.platforms) as [Platform, string][];
        return [
            `${name}  ${image.ref}`,
            ...platforms.map(([platform, ref]) => {
                const timing = timings[`${name}-${architectures[platform].suffix}`];
                const seconds = timing
                    ? `waking ${timing.waking.toFixed(1).padStart(5)} s   building ${timing.building.toFixed(1).padStart(6)} s`
                    : "unchanged";
                return `  ${platform}  ${ref.split("@")[1] ?? ref}  ${seconds}`;
            }),
        ];
    });
    return [
        "",
        ...(images.length > 0 ? images : ["No image is declared yet: see setting images in the README."]),
        "",
        `Pushed to    ${outputs.repositoryUrl}`,
        "By hand      . ./tools/env.sh",
        `             pulumi stack output connect --stack ${stack} | sh -s`,
        `             docker buildx build --builder ${outputs.builder} --platform linux/amd64,linux/arm64 \\`,
        `                 --tag ${outputs.repositoryUrl}/NAME --push FOLDER`,
        `Stop         make down${stack === "dev" ? "" : ` STACK=${stack}`}`,
        "",
    ].join("\n");
}

if (require.main === module) {
    const [stack = "dev", file = ""] = process.argv.slice(2);
    const outputs = JSON.parse(readFileSync(0, "utf8")) as Outputs;
    const timings = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Timings) : {};
    process.stdout.write(summary(outputs, timings, stack));
}
