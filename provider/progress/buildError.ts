import type { FailedStep } from "./buildProgress";
import { bothEnds } from "./plainText";
import { withoutCommand, withoutUserText } from "./userText";

/** How buildx ended. */
export interface BuildxEnd {
    code: number | null;
    signal: NodeJS.Signals | null;
    /** Lines it wrote that were no progress: those about the error, and the last of the others. */
    text: string[];
}

/** Status of a buildx that was interrupted, and of one that ended with any cancellation of gRPC's. */
const canceled = 130;

/** What is known of a failed build besides its output. */
export interface ErrorHints {
    /** What credential programs said when they failed. @default nothing */
    credentialFailures?: string;
    /** Host of the registry that is pushed to, and what to do where it refuses the login. @default nothing is said */
    login?: { registry: string; remedy: string };
}

/** How registries, and the token services in front of them, refuse a login. */
const refusal = /(\b40[13]\b|unauthorized|forbidden|no basic auth|denied|insufficient_scope|authorization failed)/i;

/** Characters of two errors that are compared: of an error of several lines, each is cut off. */
const compared = 200;

/** The remedy for a step that ran out of memory. */
const memoryRemedy =
    "all steps on this runner share its memory, as far as setting stepMemoryMegabytes lets them. Let the step use less " +
    "(fewer jobs at once), build less at the same time (maxParallelism), or give the runner more.";

const lostRunner = "The connection to the runner was lost: did it stop, or run out of memory?";

/** How an error names a server that the runner asks: a registry, or where a file or a repository comes from. */
const otherServer = String.raw`(\b(https?|git|ssh):\/\/|\bgit stderr:)`;

/** What Go, curl and ssh say where a server does not answer, or shows a certificate that they do not trust. */
const unreachable = `(${[
    ...["x509:", "tls:", "TLS handshake", "certificate (problem|verification)", "no such host", "server misbehaving"],
    ...["could(n't| not) (resolve|connect)", "i/o timeout", "connection (refused|reset|timed out)", "no route to host"],
    ...["network is unreachable", "proxyconnect", ": (unexpected )?EOF$", ": 50[234] "],
].join("|")})`;

/** What BuildKit and registries say, and what it means to the person who reads it. The first that fits. */
const meanings: [RegExp, string][] = [
    [
        new RegExp(`(failed to push|error writing layer blob).*${refusal.source}`, "i"),
        "The registry refused the push: the login is missing, expired, wrong, or may not push there.",
    ],
    [
        /failed to push.*(\b404\b|not found|name unknown)/i,
        "The registry has no such repository, or takes no pushes to it.",
    ],
    [
        /failed to push.*(immutable|already exists.*tag|tag invalid)/i,
        "The registry lets no tag be moved: choose new tags, or let these move.",
    ],
    [/failed to push.*(x509|certificate|tls:)/i, "The runner does not trust the registry's certificate."],
    [
        /failed to push.*(connection refused|no such host|i\/o timeout|connection reset|EOF|\b50[23]\b)/i,
        "The runner could not reach the registry, or lost it in the push: is it up? Nothing was tagged.",
    ],
    [/no space left on device/i, "A disk is full: the runner's, or the registry's."],
    [
        // By the count of its control group, which BuildKit reads where groups are of version 2.
        /did not complete successfully: cannot allocate memory/,
        `The step ran out of memory: ${memoryRemedy}`,
    ],
    [
        /did not complete successfully: exit code: 137\b/,
        `The step was killed (137), as a rule because it ran out of memory: ${memoryRemedy}`,
    ],
    [
        /(code = Unavailable|error reading from server|closing transport|graceful_stop|session .*(closed|not found)|no active session)/i,
        lostRunner,
    ],
    // Where it names no other server, it is the runner's.
    [new RegExp(`^(?![^]*${otherServer})[^]*connection reset by peer`, "i"), lostRunner],
    [
        /no builder .* found|failed to find driver/i,
        "buildx does not know this builder: its record is gone from this machine.",
    ],
    [
        // Of buildx itself: the Dockerfile's instructions have flags, too.
        /^(?!.*dockerfile parse error).*(unknown flag|invalid progress mode|unsupported display mode)/is,
        "This buildx does not know an option it was given: it may be older than 0.13, or an entry of the image's options is wrong.",
    ],
    [
        new RegExp(`${otherServer}[^]*${unreachable}`, "im"),
        // Indexes are made and read by buildx itself.
        "The server that is named cannot be reached, or its certificate is not trusted: is it up? Otherwise look at the " +
            "network, the proxy and the trusted authorities of the runner (for an index: of this machine).",
    ],
    [/no match for platform in manifest/i, "A base is not there for the platform that it is asked for."],
    [
        /(pull access denied|failed to resolve source metadata|insufficient_scope|authorization failed).*/i,
        "A base image cannot be pulled: its name is wrong, or its registry wants a login (docker login on this machine).",
    ],
    [
        new RegExp(`failed to (authorize|fetch \\w+ token).*${refusal.source}`, "i"),
        "The registry refused the login: it is wrong, or expired.",
    ],
];

/**
 * What a failed build says to the person who has to act: the step, its last lines, the line of the Dockerfile; each once.
 *
 * @param failures steps that failed
 */
export function buildError(end: BuildxEnd, failures: FailedStep[], hints: ErrorHints = {}): string {
    const said = lastError(end.text);
    if (end.code === canceled && [said, ...failures.map(({ error }) => error)].filter(Boolean).every(isCanceled)) {
        return ["The build was canceled.", ...shownLines(said)].join("\n");
    }
    const failed = cause(failures, said);
    const reason = [failed?.error ?? "", said].map(withoutUserText).join("\n");
    const meaning = meanings.find(([pattern]) => pattern.test(reason))?.[1];
    return [
        ...ending(end, said !== "" || failed !== undefined),
        ...(failed ? stepLines(failed) : shownLines(said)),
        ...excerpt(end.text),
        ...(meaning ? [meaning] : []),
        ...loginRemedy(reason, failed?.name, hints.login),
        ...(hints.credentialFailures ? [hints.credentialFailures.trimEnd()] : []),
    ].join("\n");
}

/**
 * Whether the registry that is pushed to has refused, and not the registry of a base. The error of the cache's export, which
 * often comes before the image's, names no registry.
 */
function loginRemedy(reason: string, step: string | undefined, login: ErrorHints["login"]): string[] {
    const isIts = !step || /^exporting /.test(step) || `${step}\n${reason}`.includes(login?.registry ?? "");
    return login?.remedy && isIts && refusal.test(reason) ? [login.remedy] : [];
}

/**
 * The step whose error ended buildx. The others were cancelled because of it, and their errors mean nothing. No step where
 * the cause is none of a step: a mistake in the Dockerfile that the frontend finds.
 */
function cause(failures: FailedStep[], said: string): FailedStep | undefined {
    const text = said.replaceAll("\n", "");
    const isSaid = ({ error }: FailedStep) => text.includes(error.slice(0, compared));
    const own = failures.filter(({ error }) => !isCanceled(error));
    const isOfOther = said !== "" && !isCanceled(said);
    // Where all that is said is that it was canceled, a step that was not is why.
    const ofOwn = own.find(isSaid) ?? (isOfOther ? undefined : own[0]);
    return ofOwn ?? failures.find(isSaid) ?? own[0] ?? (isOfOther ? undefined : failures[0]);
}

function isCanceled(error: string): boolean {
    return /(context|operation was) canceled|canceled: |code = canceled/i.test(withoutUserText(error));
}

function shownLines(said: string): string[] {
    return said === "" ? [] : said.split("\n").map(bothEnds);
}

/** The message for a buildx that did not end by itself. */
function ending({ code, signal, text }: BuildxEnd, hasCause: boolean): string[] {
    if (signal) {
        return [`buildx was killed (${signal}) before the build had ended; it may have been short of memory.`];
    }
    const panic = text.findIndex((line) => /^(panic|fatal error): /.test(line));
    if (panic !== -1) {
        return ["buildx crashed:", ...text.slice(panic, panic + 3)];
    }
    return hasCause ? [] : [`buildx ended with status ${code} and without a reason.`, ...text.slice(-5)];
}

function stepLines({ name, error, seconds, lines }: FailedStep): string[] {
    return [
        `${name} failed after ${Math.round(seconds)} s: ${bothEnds(withoutCommand(error))}`,
        ...lines.map((line) => `    ${line}`),
    ];
}

/** The part of the Dockerfile that buildx shows after a failure, with its line marked. */
function excerpt(text: string[]): string[] {
    const rule = /^-{10,}$/;
    const first = text.findLastIndex((line, at) => /^\S.*:\d+$/.test(line) && rule.test(text[at + 1] ?? ""));
    const last = text.findIndex((line, at) => at > first + 1 && rule.test(line));
    const lines = text.slice(first + 2, last).filter((line) => !/^ *\d+ \| *$/.test(line));
    return first === -1 || last === -1 ? [] : [text[first] ?? "", ...lines];
}

/** What follows the last `ERROR:`, without the words that say no more than "it failed". */
function lastError(text: string[]): string {
    const at = text.findLastIndex((line) => line.startsWith("ERROR: "));
    return at === -1
        ? ""
        : text
              .slice(at)
              .join("\n")
              .replace(/^ERROR: (failed to build: )?(failed to solve: )?/, "")
              .trimEnd();
}
