import { wrongBaseRule } from "../context/targetPlatform";
import type { Hide } from "../hiddenSecrets";
import { LastLines, nothingHidden, plainText, wholeText } from "./plainText";
import type { RawProgress, Vertex, VertexStatus, VertexWarning } from "./rawProgress";
import { emulatedCompilers, type PartKind, type Receipt, type ReceiptPart, receiptOf } from "./receipt";
import { isFetch, kindOf } from "./stepKind";

/** Lines of a failing step's output that its error shows. */
const linesOfFailure = 10;
/** Steps, and warnings of platforms and of others, that are kept: no Dockerfile has so many, and a broken runner must not fill the memory. */
const mostSteps = 5000;
const mostWarnings = 200;

/** A step that ended with an error. */
export interface FailedStep {
    name: string;
    /** Whole, however long. */
    error: string;
    /** Seconds it ran. */
    seconds: number;
    /** Its last lines of output. */
    lines: string[];
}

/** A warning of the Dockerfile's checks. */
export interface BuildWarning {
    /** The same for the same warning on every platform: to say it once. */
    key: string;
    /** `Dockerfile:3: FromAsCasing: 'as' and 'FROM' keywords' casing do not match`. */
    text: string;
    /** Name of the check. */
    rule: string;
    line?: number;
    /** The Dockerfile it is about. */
    dockerfile?: string;
}

/** When a step ran, in milliseconds. */
interface Run {
    start: number;
    /** Undefined while it runs. */
    end: number | undefined;
}

interface Step {
    name: string;
    kind: PartKind | undefined;
    /** The runner fetches a context in it. */
    isFetch: boolean;
    /** By start, as BuildKit has it, which may begin a step again. By its clock; those of a fetch by this machine's. */
    runs: Map<string, Run>;
    isCached: boolean;
    error: string | undefined;
    /** When it was first seen to run, by this machine's clock, in milliseconds. */
    seen: number | undefined;
    lines: LastLines | undefined;
    statuses: Map<string, VertexStatus>;
}

/** What the progress of a build tells of it. */
export class BuildProgress {
    private readonly steps = new Map<string, Step>();
    private readonly found = new Map<string, BuildWarning>();
    /**
     * Milliseconds that the runner's times are ahead of this machine's. buildx shifts them to this machine's clock by the first
     * step it hears of. Where that is a fetch from before, for the Dockerfile or by another build, all times are too late by
     * its age, and the fetch is told a second time with such times: so fetches are measured here.
     */
    private ahead = 0;
    /** By this machine's clock, in milliseconds. */
    private readonly began: number;

    /**
     * @param platform that is built
     * @param onStep is told of each step that starts to run, once
     * @param hide of the secrets that any of it may have. @default there are none
     */
    constructor(
        private readonly platform: string,
        private readonly onStep: (name: string) => void = () => undefined,
        private readonly now: () => number = Date.now,
        private readonly hide = nothingHidden,
    ) {
        this.began = now();
    }

    add(progress: RawProgress): void {
        for (const vertex of progress.vertexes ?? []) {
            this.addVertex(vertex);
        }
        for (const status of progress.statuses ?? []) {
            this.steps.get(status.vertex)?.statuses.set(status.id, status);
        }
        for (const { vertex, stream, data } of progress.logs ?? []) {
            const step = this.steps.get(vertex);
            if (step && data) {
                step.lines ??= new LastLines(linesOfFailure, this.hide);
                step.lines.write(Buffer.from(data, "base64"), stream);
            }
        }
        for (const warning of progress.warnings ?? []) {
            this.addWarning(warning);
        }
    }

    private addVertex(vertex: Vertex): void {
        let step = this.steps.get(vertex.digest);
        if (!step) {
            if (this.steps.size >= mostSteps) {
                return;
            }
            const given = vertex.name ?? "a step without a name";
            const name = plainText(given, this.hide);
            const own = plainText(given); // Whatever the secrets are.
            const fresh = { runs: new Map(), isCached: false, error: undefined, seen: undefined, lines: undefined };
            step = { ...fresh, name, kind: kindOf(own), isFetch: isFetch(own), statuses: new Map() };
            this.steps.set(vertex.digest, step);
        }
        step.isCached ||= vertex.cached ?? false;
        step.error = vertex.error ?? step.error;
        if (vertex.started) {
            this.addRun(step, vertex.started, vertex.completed);
            if (step.seen === undefined) {
                step.seen = this.now();
                if (!step.isCached && isWorthALine(step)) {
                    this.onStep(step.name);
                }
            }
        }
    }

    private addRun({ isFetch, runs }: Step, started: string, completed: string | undefined): void {
        const now = this.now();
        if (!isFetch) {
            const run = runOf(started, completed);
            runs.set(started, run);
            this.ahead = Math.max(this.ahead, run.start - now);
            return;
        }
        const known = runs.get(started);
        // A run that has ended when it is first told is one that was told before, with other times.
        if (known?.end === undefined) {
            runs.set(started, { start: known?.start ?? now, end: completed ? now : undefined });
        }
    }

    private addWarning(warning: VertexWarning): void {
        const short = plainText(Buffer.from(warning.short ?? "", "base64").toString("utf8"), this.hide);
        const line = warning.range?.[0]?.start?.line;
        const file = plainText(warning.sourceInfo?.filename ?? "", this.hide);
        const key = [warning.url ?? "", short, file, line ?? 0].join("|");
        const rule = /^(\w+): /.exec(short)?.[1] ?? "";
        if (short && this.hasRoomFor(rule)) {
            const place = [file, line].filter(Boolean).join(":");
            this.found.set(key, {
                key,
                text: [place, short.replace(/ \(line \d+\)$/, "")].filter(Boolean).join(": "),
                rule,
                ...(line ? { line } : {}),
                ...(warning.sourceInfo?.data
                    ? { dockerfile: Buffer.from(warning.sourceInfo.data, "base64").toString() }
                    : {}),
            });
        }
    }

    /** A build may be refused by what the check of platforms tells, so the others leave it room. */
    private hasRoomFor(rule: string): boolean {
        const isLikeIt = (other: BuildWarning) => (other.rule === wrongBaseRule) === (rule === wrongBaseRule);
        return this.warnings().filter(isLikeIt).length < mostWarnings;
    }

    /** What runs now, for how long, and its last line of output; empty where nothing does. */
    status(): string {
        const running = [...this.steps.values()].filter(
            ({ runs }) => runs.size > 0 && [...runs.values()].at(-1)?.end === undefined,
        );
        const ofDockerfile = running.filter(({ kind }) => kind === "step");
        const step = (ofDockerfile.length > 0 ? ofDockerfile : running).at(-1);
        if (!step) {
            return "";
        }
        const seconds = Math.round((this.now() - (step.seen ?? this.now())) / 1000);
        const others = ofDockerfile.length > 1 ? ` (and ${ofDockerfile.length - 1} more)` : "";
        const detail = step.lines?.last() || transferOf(step, this.hide);
        return `${step.name} ${seconds} s${others}${detail ? `: ${detail}` : ""}`;
    }

    /** The steps that failed, and those that were cancelled because of them. */
    failures(): FailedStep[] {
        return [...this.steps.values()].flatMap(({ name, error, seen, lines }) =>
            error === undefined
                ? []
                : [
                      {
                          name,
                          error: wholeText(error, this.hide),
                          seconds: seen === undefined ? 0 : (this.now() - seen) / 1000,
                          lines: lines?.all() ?? [],
                      },
                  ],
        );
    }

    /** Whether all that the runner asked for of the contexts has been sent to its end; a build can fail later. */
    contextsArrived(): boolean {
        return [...this.steps.values()]
            .filter(({ kind, isFetch }) => kind === "context" && !isFetch)
            .every(
                ({ runs, error }) => error === undefined && [...runs.values()].every(({ end }) => end !== undefined),
            );
    }

    warnings(): BuildWarning[] {
        return [...this.found.values()];
    }

    /**
     * A step that another build shares is told with that build's start. It counts from the first start after this build's.
     *
     * @param total seconds of the build, by this machine's clock
     */
    receipt(total: number): Receipt {
        const steps = [...this.steps.values()];
        const aheadOf = ({ isFetch }: Step) => (isFetch ? 0 : this.ahead);
        const starts = steps.flatMap((step) => [...step.runs.values()].map(({ start }) => start - aheadOf(step)));
        const own = starts.filter((start) => start >= this.began);
        const zero = own.reduce((first, start) => Math.min(first, start), own[0] ?? this.began);
        const sentBytes = steps
            .flatMap(({ statuses }) => [...statuses.values()])
            .filter(({ id }) => id.startsWith("transferring "))
            .reduce((sum, { current = 0 }) => sum + current, 0);
        return receiptOf({
            platform: this.platform,
            parts: steps.flatMap((step) => partsOf(step, zero + aheadOf(step))),
            sentBytes,
            total,
            emulated: steps.flatMap(({ lines }) => lines?.all() ?? []).flatMap(emulatedCompilers),
        });
    }
}

/** What is sent from this machine is not, as a rule. */
function isWorthALine({ kind, isFetch }: Step): boolean {
    return isFetch || (kind !== undefined && kind !== "context");
}

/** How far a transfer is. */
function transferOf({ statuses }: Step, hide: Hide): string {
    const status = [...statuses.values()].findLast(({ completed }) => completed === undefined);
    const size = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
    if (!status) {
        return "";
    }
    const { current = 0, total } = status;
    return [plainText(status.id, hide), current ? (total ? `${size(current)} of ${size(total)}` : size(current)) : ""]
        .filter(Boolean)
        .join(" ");
}

function partsOf(step: Step, zero: number): ReceiptPart[] {
    const { kind, name } = step;
    if (!kind || step.runs.size === 0) {
        return [];
    }
    if (kind !== "export") {
        // To find that a context is in the cache takes time too.
        return part(kind, name, [...step.runs.values()], step.isCached && !step.isFetch, zero);
    }
    // One step for BuildKit: making the layers, and sending them away.
    const ofStatuses = (begin: RegExp) =>
        [...step.statuses.values()].flatMap(({ id, started, completed }): Run[] =>
            begin.test(id) && started ? [runOf(started, completed)] : [],
        );
    return [
        ...part("export", name, ofStatuses(/^(?!pushing )/), false, zero),
        ...part("push", "pushing", ofStatuses(/^pushing /), false, zero),
    ];
}

/** Of times in RFC 3339. */
function runOf(started: string, completed: string | undefined): Run {
    return { start: Date.parse(started), end: completed ? Date.parse(completed) : undefined };
}

/** A part of these runs: from the first start to the last end, without the gaps between them and what was before the build. */
function part(kind: PartKind, name: string, runs: Run[], cached: boolean, zero: number): ReceiptPart[] {
    const spans = runs
        .map(({ start, end = start }) => [Math.max(start, zero), Math.max(end, zero)] as const)
        .sort(([a], [b]) => a - b);
    let seconds = 0;
    let until = Number.NEGATIVE_INFINITY;
    for (const [start, end] of spans) {
        seconds += Math.max(0, end - Math.max(start, until)) / 1000;
        until = Math.max(until, end);
    }
    const [first] = spans;
    return first ? [{ kind, name, start: (first[0] - zero) / 1000, seconds, cached }] : [];
}
