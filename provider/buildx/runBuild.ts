import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { askForPlatformCheck } from "../context/checkDirective";
import { ociLayoutPrefix } from "../context/ociLayout";
import { ociLayoutPlatform } from "../context/ociLayoutPlatform";
import { contextImagesOfTarget, targetPlatformMistake, wrongBaseRule } from "../context/targetPlatform";
import type { Hide } from "../hiddenSecrets";
import { buildError, type ErrorHints } from "../progress/buildError";
import { BuildProgress, type BuildWarning } from "../progress/buildProgress";
import type { Receipt } from "../progress/receipt";
import { buildPlatformOf } from "./buildPlatform";
import type { ResolvedRequest } from "./buildRequest";
import { imagePlatformOf } from "./imagePlatform";
import { pushedDigests } from "./pushedDigests";
import { readDockerfile } from "./readDockerfile";
import type { BuildxProgram, RunOptions } from "./runBuildx";
import { runUntilPushed } from "./runUntilPushed";

/** Lines that a build without a terminal says at most. */
const mostLines = 500;

export interface BuildConditions {
    /** Folder that local paths of the request are relative to. @default the process's */
    folder?: string;
    /**
     * Gets what is worth showing, as a line without control characters: in a terminal what runs now, once a second;
     * without a terminal each step once, when it starts.
     */
    onProgress?: (text: string) => void;
    /** Is there a terminal? @default false */
    isInteractive?: boolean;
    /** Is told that from now on contexts may be sent. */
    onStart?: () => void;
    /** Is told of each digest that is about to be pushed, perhaps more than once: a build that fails later may have moved tags. */
    onPush?: (digest: string) => void;
}

/** The result of a build. */
export interface BuildResult {
    /** The digest of what was pushed: an image, or with attestations an index of one platform. */
    digest: string;
    receipt: Receipt;
    /** Warnings about the Dockerfile. Every platform gives the same, with the same keys. */
    warnings: BuildWarning[];
}

/** A build that failed. */
export class BuildFailure extends Error {
    /**
     * @param contextsArrived whether its contexts were sent to their ends, so that the runner has them for the next build
     * @param warnings about the Dockerfile: they may name the cause. @default none
     */
    constructor(
        message: string,
        readonly contextsArrived: boolean,
        readonly warnings: BuildWarning[] = [],
    ) {
        super(message);
    }
}

/**
 * Builds and pushes an image for one platform: `Buildx.build`.
 *
 * @param hints what else the message of a failed build may say
 */
export async function runBuild(
    buildx: BuildxProgram,
    request: ResolvedRequest,
    options: BuildConditions,
    hints: () => Promise<ErrorHints>,
): Promise<BuildResult> {
    // Before anything is asked of the runner: to read its Dockerfile a context in git or an archive is fetched.
    const display = new Display(request.platform, buildx.hide, options);
    try {
        return await buildShown(buildx, request, options, display, hints);
    } finally {
        display.end();
    }
}

async function buildShown(
    buildx: BuildxProgram,
    request: ResolvedRequest,
    { folder, onStart = () => undefined, onPush = () => undefined }: BuildConditions,
    display: Display,
    hints: () => Promise<ErrorHints>,
): Promise<BuildResult> {
    const { progress } = display;
    const run: RunOptions = {
        folder,
        onProgress: (news) => {
            progress.add(news);
            pushedDigests(news).forEach(onPush);
        },
    };
    const metadataFile = path.join(buildx.folder, `metadata-${randomUUID()}.json`);
    const dockerfile = await readDockerfile(buildx, request, run);
    const checks = askForPlatformCheck(dockerfile, request.args);
    const checked = { ...request, args: { ...request.args, ...checks.args } };
    await refuseOtherPlatform(buildx, request, { dockerfile, folder });
    onStart();
    const onWait = () => display.say("the registry takes no more at the moment: waiting");
    const running = runUntilPushed(buildx, checked, metadataFile, progress, { ...run, onWait });
    const { end, failures } = await running.catch(({ message }) => {
        // It was not started, and has sent nothing.
        throw new BuildFailure(message, true);
    });
    const warnings = progress.warnings();
    const shownWarnings = warnings.filter(({ rule }) => !checks.isSkipped(rule));
    const { aborted = false } = buildx.signal ?? {};
    if (aborted || end.code !== 0) {
        const message = aborted ? "canceled" : buildError(end, failures, await hints());
        // A buildx that was killed may have sent more than it had reported.
        throw new BuildFailure(message, end.code !== null && progress.contextsArrived(), shownWarnings);
    }
    if (dockerfile === undefined || warnings.some(({ rule }) => rule === wrongBaseRule)) {
        // They have the Dockerfile, wherever it was.
        const text = dockerfile ?? warnings.find((warning) => warning.dockerfile)?.dockerfile;
        await refuseOtherPlatform(buildx, request, { dockerfile: text, folder, warnings });
    }
    return {
        digest: await readDigest(metadataFile),
        receipt: display.receipt(),
        warnings: shownWarnings,
    };
}

/** Shows a build while it runs, and measures it. */
class Display {
    readonly progress: BuildProgress;
    private readonly started = performance.now();
    private readonly timer: NodeJS.Timeout | undefined;
    private readonly said = new Set<string>();

    constructor(
        platform: string,
        hide: Hide,
        private readonly options: BuildConditions,
    ) {
        const { isInteractive } = options;
        const onStep = (step: string) => {
            if (!isInteractive && this.said.size < mostLines && !this.said.has(step)) {
                this.said.add(step);
                this.say(step);
            }
        };
        this.progress = new BuildProgress(platform, onStep, Date.now, hide);
        if (!isInteractive) {
            return;
        }
        let shown = "";
        this.timer = setInterval(() => {
            const text = this.progress.status();
            if (text && text !== shown) {
                shown = text;
                this.say(text);
            }
        }, 1000);
    }

    /** Says something, whatever has been said before. */
    say(text: string): void {
        this.options.onProgress?.(text);
    }

    /** What the build took until now. */
    receipt(): Receipt {
        return this.progress.receipt((performance.now() - this.started) / 1000);
    }

    end(): void {
        clearInterval(this.timer);
    }
}

/** @throws where the image would be of another architecture */
async function refuseOtherPlatform(
    buildx: BuildxProgram,
    { builder, platform, target, args, contexts }: ResolvedRequest,
    seen: { dockerfile?: string; folder?: string; warnings?: BuildWarning[] },
): Promise<void> {
    const { dockerfile = "", folder = ".", warnings = [] } = seen;
    const known = { platform, target, args, contexts, warnings };
    const images = contextImagesOfTarget(dockerfile, { ...known, buildPlatform: platform });
    const looks = images.map(async (image) => [
        image,
        image.startsWith(ociLayoutPrefix) ? ociLayoutPlatform(image, folder) : await imagePlatformOf(buildx, image),
    ]);
    const imagePlatforms = Object.fromEntries(await Promise.all(looks));
    const mistakeOn = (buildPlatform: string) =>
        targetPlatformMistake(dockerfile, { ...known, imagePlatforms, buildPlatform });
    // The runner is asked only where its answer matters.
    const matters = mistakeOn(platform) !== mistakeOn("another/platform");
    const mistake = mistakeOn(matters ? await buildPlatformOf(buildx, builder, platform) : platform);
    if (mistake) {
        // Before the build nothing was sent, and after it all.
        throw new BuildFailure(mistake, true, warnings);
    }
}

async function readDigest(metadataFile: string): Promise<string> {
    const metadata = JSON.parse(await readFile(metadataFile, "utf8")) as { "containerimage.digest"?: string };
    const digest = metadata["containerimage.digest"];
    if (!digest) {
        throw new Error("buildx did not say what it had pushed. Is it older than 0.13?");
    }
    return digest;
}
