// The end of `make up`: what was pushed, how long it took, what to do next. Reads the stack's outputs (JSON, without
// secrets) on standard input. Arguments: the stack, when the `up` began (ISO 8601), and the file that gets its timeline.
import { readFileSync, writeFileSync } from "node:fs";
import { defaultPlatforms, knownPlatforms, type Platform } from "../components/architecture";
import { type PricedReceipt, parseReceipts, type Receipts } from "../components/image/receiptText";
import { renderTimeline } from "../provider/progress/timeline";

/** Stack outputs, as configuration/outputs.ts has them. */
export interface Outputs {
    repositoryUrl: string;
    builder: string;
    byHand: string;
    loginCommand?: string;
    images: { [name: string]: { ref: string; platforms: { [P in Platform]?: string } } };
    /** See receiptText.ts. */
    receipts: string;
}

/** The receipts of what was built since then. */
export function builtSince(receipts: string, begun: Date): Receipts {
    return Object.fromEntries(
        Object.entries(parseReceipts(receipts)).map(([image, platforms]) => [
            image,
            Object.fromEntries(Object.entries(platforms).filter(([, { began }]) => new Date(began) >= begun)),
        ]),
    );
}

/** Renders the summary. `built` has only what was built this time, and `timeline` is the file with its drawing. */
export function summary(outputs: Outputs, built: Receipts, stack: string, timeline?: string): string {
    const images = Object.entries(outputs.images).flatMap(([name, image]) => {
        const platforms = Object.entries(image.platforms) as [Platform, string][];
        return [
            `${name}  ${image.ref}`,
            ...platforms.flatMap(([platform, ref]) => {
                const receipt = built[name]?.[platform];
                return [
                    `  ${platform}  ${ref.split("@")[1] ?? ref}  ${receipt ? took(receipt) : "unchanged"}`,
                    ...(receipt?.emulated
                        ? [`    emulated compilers: ${receipt.emulated.join(", ")}; see docs/emulation.md`]
                        : []),
                ];
            }),
        ];
    });
    const all = Object.values(outputs.images);
    const platforms = knownPlatforms.filter((platform) => all.some((image) => platform in image.platforms)).join(",");
    return [
        "",
        ...(images.length > 0 ? images : ["No image is declared yet: see setting images in docs/configuration.md."]),
        "",
        `Pushed to    ${outputs.repositoryUrl}`,
        ...(timeline ? [`Timeline     ${timeline}`] : []),
        "By hand      . ./tools/env.sh",
        ...(outputs.loginCommand ? [`             ${outputs.loginCommand}`] : []),
        `             pulumi stack output connect --stack ${stack} | sh -s`,
        `             docker buildx build --builder ${outputs.builder} --platform ${platforms || defaultPlatforms.join(",")} \\`,
        `                 --tag ${outputs.byHand} --push FOLDER`,
        `Stop         make down${stack === "dev" ? "" : ` STACK=${stack}`}`,
        "",
    ].join("\n");
}

/** One platform's build on a line. */
function took({ waking, total, cached, all, slowest }: PricedReceipt): string {
    const seconds = (value: number, width: number) => `${value.toFixed(1).padStart(width)} s`;
    const slow = slowest ? `   slowest ${seconds(slowest.seconds, 6)}  ${slowest.name}` : "";
    return `waking ${seconds(waking, 5)}   building ${seconds(total, 6)}   ${cached} of ${all} steps cached${slow}`;
}

if (require.main === module) {
    const [stack = "dev", begun = "", file = ""] = process.argv.slice(2);
    const outputs = JSON.parse(readFileSync(0, "utf8")) as Outputs;
    const built = builtSince(outputs.receipts, new Date(begun));
    const isDrawn = file !== "" && Object.values(built).some((platforms) => Object.keys(platforms).length > 0);
    if (isDrawn) {
        writeFileSync(file, renderTimeline(built));
    }
    process.stdout.write(summary(outputs, built, stack, isDrawn ? file : undefined));
}
