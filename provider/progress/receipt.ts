/** What a part of a build is: the context sent to the runner or fetched by it, a base pulled, a step of the Dockerfile, or what follows. */
export type PartKind = "context" | "pull" | "step" | "export" | "push" | "cache";

/** A part of a build that took time. */
export interface ReceiptPart {
    kind: PartKind;
    /** As BuildKit names it: `[build 2/5] RUN make`. */
    name: string;
    /** Seconds after the first part's start. */
    start: number;
    seconds: number;
    /** It was not run: its result was in the cache. */
    cached: boolean;
}

/** A part on a line: when it began, its seconds or that it was cached, its kind and its name. */
export function partText({ kind, name, start, seconds, cached }: ReceiptPart): string {
    const time = (value: number) => `${value.toFixed(2)} s`;
    return [time(start).padStart(11), (cached ? "cached" : time(seconds)).padStart(10), kind.padEnd(7), name].join(
        "  ",
    );
}

/** The part of such a line, which may be indented. */
export function parsePart(line: string): ReceiptPart {
    const found = /^ *([\d.]+) s +(?:cached|([\d.]+) s) {2}(\w+) +(.*)$/.exec(line);
    if (!found) {
        throw new Error(`no part of a receipt: ${line}`);
    }
    const [, start, seconds, kind, name = ""] = found;
    return {
        kind: kind as PartKind,
        name,
        start: Number(start),
        seconds: Number(seconds ?? 0),
        cached: seconds === undefined,
    };
}

/** A machine that builds in the place of a runner's own. */
export interface OtherMachine {
    /** The type of its instance. */
    type: string;
    /** The name of the runner whose machine it is: the same runner, of which it is a stand-in, or one that emulates. */
    runner: string;
}

/** What a build for one platform took, as plain data in an order that depends only on the build. */
export interface Receipt {
    platform: string;
    /** Name of the runner; empty until the caller says so. */
    runner: string;
    /** What built it in the place of its runner's own machine; none where that did. */
    on?: OtherMachine;
    /** When waking began, by this machine's clock; ISO 8601. Empty until the caller, which wakes it, says so. */
    began: string;
    /** Seconds until the runner served; 0 until the caller says so. */
    waking: number;
    /** The contexts: seconds in which they were sent or fetched, and bytes of the local files that the runner asked for. */
    sending: { seconds: number; bytes: number };
    /** In the order of their starts. */
    parts: ReceiptPart[];
    /** Seconds. */
    pushing: number;
    /** Seconds of the whole build, without waking, by this machine's clock. */
    total: number;
    /** Steps of the Dockerfile that came from the cache. */
    cached: number;
    /** All steps of the Dockerfile. */
    all: number;
    /** The step that took longest; none where every step came from the cache. */
    slowest?: { name: string; seconds: number };
    /** Compilers that were emulated because no native one is known that does the same, with their build ids; none where there are none. */
    emulated?: string[];
}

/** A receipt in the state. Its parts are lines of one text: the engine and the SDK take long over many small values, at every `up`. */
export type StoredReceipt = Omit<Receipt, "parts"> & { parts: string };

export function storedReceipt(receipt: Receipt): StoredReceipt {
    return { ...receipt, parts: receipt.parts.map(partText).join("\n") };
}

export function readReceipt(stored: StoredReceipt): Receipt {
    return { ...stored, parts: stored.parts.split("\n").filter(Boolean).map(parsePart) };
}

/** What a step on a runner that emulates ends its output with, see stepMounts.sh: the compilers it names. */
export function emulatedCompilers(line: string): string[] {
    return /native-buildx: no native compiler is known for (.+): emulated/.exec(line)?.[1]?.split(", ") ?? [];
}

/** A receipt of these parts. */
export function receiptOf(build: {
    platform: string;
    parts: ReceiptPart[];
    sentBytes: number;
    total: number;
    emulated?: string[];
}): Receipt {
    const parts = build.parts
        .map((part) => ({ ...part, start: rounded(part.start), seconds: rounded(part.seconds) }))
        .sort((a, b) => a.start - b.start || compare(a.name, b.name));
    const sum = (kind: PartKind) =>
        rounded(parts.filter((part) => part.kind === kind).reduce((seconds, part) => seconds + part.seconds, 0));
    const steps = parts.filter(({ kind }) => kind === "step");
    const run = steps.filter(({ cached }) => !cached);
    const slowest = run.reduce<ReceiptPart | undefined>(
        (found, part) => (found === undefined || part.seconds > found.seconds ? part : found),
        undefined,
    );
    return {
        platform: build.platform,
        runner: "",
        began: "",
        waking: 0,
        sending: { seconds: sum("context"), bytes: build.sentBytes },
        parts,
        pushing: sum("push"),
        total: rounded(build.total),
        cached: steps.length - run.length,
        all: steps.length,
        ...(slowest ? { slowest: { name: slowest.name, seconds: slowest.seconds } } : {}),
        ...(build.emulated?.length ? { emulated: [...new Set(build.emulated)].sort(compare) } : {}),
    };
}

/** To hundredths. */
export function rounded(seconds: number): number {
    return Math.round(seconds * 100) / 100;
}

/** Compares by code units, which is the same on every machine. */
function compare(a: string, b: string): number {
    return a < b ? -1 : a > b ? 1 : 0;
}
