import { readFileSync } from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { checkout } from "../helpers/checkout";

/**
 * One step of a job: what a shell of its own runs (`isAlways`: also after a failure; `mayFail`: without the job's failure),
 * or what the CI system itself does.
 */
export type Step =
    | { kind: "run"; script: string; env: Variables; isAlways?: boolean; mayFail?: boolean }
    /** The project's files come to where the job works. */
    | { kind: "checkout" }
    /** Files are handed on to the jobs of later stages, or come from those of earlier stages. */
    | { kind: "save"; folder: string }
    | { kind: "take" }
    /** GitHub's action that gives the job's token for the role of AWS, for so many seconds. */
    | { kind: "assumeRole"; role: string; seconds: number };

export type Variables = { [name: string]: string };

/** A job, as a CI system understands it from its file. */
export interface Job {
    name: string;
    /** In docker's own image, with no more than that has; otherwise on a machine of its own. */
    image: string | undefined;
    /** What a step's script is the last argument of. */
    shell: string[];
    /** Set by the file. */
    env: Variables;
    /** Variables with identity tokens that the file asks for, and the audience of each. */
    idTokens: Variables;
    /** The job is left out unless the system has set one of these variables. @default no job is left out */
    onlyWith?: string[];
    steps: Step[];
}

/** Jobs of a stage run at once. */
export type Pipeline = Job[][];

/** What a file leaves to the CI system: variables by name, as `vars.REPOSITORY_URL` for GitHub. */
export type Lookup = (name: string) => string;

/** A file of examples/ci as its CI system reads it, as far as these files go. */
export function readPipeline(file: string, lookup: Lookup): Pipeline {
    const text = readFileSync(path.join(checkout, "examples/ci", file), "utf8");
    const system = Object.keys(readers).find((name) => file.startsWith(name)) as keyof typeof readers;
    return readers[system](text, lookup);
}

const readers = { circleci, github, gitlab, buildkite };

// biome-ignore lint/suspicious/noExplicitAny: files of four schemas, of which each reader takes what it knows
type Yaml = any;

/** Values for each name, in all combinations. */
function combinations(matrix: { [name: string]: string[] } = {}): Variables[] {
    return Object.entries(matrix).reduce<Variables[]>(
        (all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
        [{}],
    );
}

/** The same text with what an expression stands for. */
function filled<T>(value: T, pattern: RegExp, lookup: Lookup): T {
    const text = JSON.stringify(value).replace(pattern, (_, name) => JSON.stringify(lookup(name)).slice(1, -1));
    return JSON.parse(text) as T;
}

const inImage = (image: string | undefined, words: string[]) =>
    image ? ["busybox", "sh", ...words] : ["bash", ...words];

function circleci(text: string): Pipeline {
    const { jobs, workflows } = parse(text) as Yaml;
    const entries = workflows.image.jobs.map((entry: Yaml) =>
        typeof entry === "string" ? [entry, {}] : Object.entries(entry)[0],
    );
    const isLast = ([, { requires }]: [string, Yaml]) => requires !== undefined;
    const stage = (members: [string, Yaml][]) =>
        members.flatMap(([name, { matrix }]) =>
            combinations(matrix?.parameters).map((parameters) =>
                circleciJob(
                    name,
                    filled(jobs[name], /<< parameters\.(\w+) >>/g, (key) => parameters[key] ?? ""),
                ),
            ),
        );
    return [stage(entries.filter((entry: Yaml) => !isLast(entry))), stage(entries.filter(isLast))].filter(
        ({ length }) => length > 0,
    );
}

function circleciJob(name: string, { docker, environment = {}, steps }: Yaml): Job {
    const image = docker?.[0].image;
    return {
        name,
        image,
        shell: inImage(image, ["-eo", "pipefail", "-c"]),
        env: environment,
        idTokens: {},
        steps: steps.map((step: Yaml): Step => {
            if (step === "checkout") {
                return { kind: "checkout" };
            }
            if (step.persist_to_workspace) {
                return { kind: "save", folder: step.persist_to_workspace.paths[0] };
            }
            if (step.attach_workspace) {
                return { kind: "take" };
            }
            return { kind: "run", script: step.run.command ?? step.run, env: {} };
        }),
    };
}

function github(text: string, lookup: Lookup): Pipeline {
    const { jobs, env: everywhere, defaults } = parse(text) as Yaml;
    const stage = (isLast: boolean) =>
        Object.entries<Yaml>(jobs)
            .filter(([, job]) => (job.needs !== undefined) === isLast)
            .flatMap(([name, job]) =>
                combinations(job.strategy?.matrix).map((matrix) => {
                    const own = (key: string) => matrix[key.replace(/^matrix\./, "")] ?? lookup(key);
                    const { env = {}, steps } = filled({ ...job, env: { ...everywhere, ...job.env } }, expression, own);
                    const strict =
                        defaults?.run.shell === "bash" ? ["--noprofile", "--norc", "-eo", "pipefail"] : ["-e"];
                    const shell = ["bash", ...strict, "-c"];
                    return { name, image: undefined, shell, env, idTokens: {}, steps: steps.flatMap(githubStep) };
                }),
            );
    return [stage(false), stage(true)].filter(({ length }) => length > 0);
}

const expression = /\$\{\{ ([\w.]+) \}\}/g;

function githubStep({ uses = "", run, env = {}, with: options, if: condition, ...others }: Yaml): Step[] {
    const actions: { [name: string]: () => Step[] } = {
        "actions/checkout": () => [{ kind: "checkout" }],
        "actions/upload-artifact": () => [{ kind: "save", folder: options.path }],
        "actions/download-artifact": () => [{ kind: "take" }],
        "aws-actions/configure-aws-credentials": () => [
            { kind: "assumeRole", role: options["role-to-assume"], seconds: options["role-duration-seconds"] ?? 3600 },
        ],
        "sigstore/cosign-installer": () => [],
    };
    const [name] = uses.split("@");
    const mayFail = others["continue-on-error"] === true;
    return run
        ? [{ kind: "run", script: run, env, isAlways: condition === "always()", mayFail }]
        : (actions[name]?.() ?? refuse(`action ${name}`));
}

function refuse(what: string): never {
    throw new Error(`tests/ci/pipeline.ts does not know ${what}`);
}

/** Names in a condition of GitLab's that asks whether one of some variables is set. */
function variablesOf(condition: string): string[] {
    const isAlternatives = /^\$\w+( \|\| \$\w+)*$/.test(condition);
    return isAlternatives ? condition.split(" || ").map((name) => name.slice(1)) : refuse(`condition ${condition}`);
}

function gitlab(text: string): Pipeline {
    const { stages = ["build"], default: defaults = {}, ...jobs } = parse(text) as Yaml;
    return stages.map((stage: string) =>
        Object.entries<Yaml>(jobs)
            .filter(([, job]) => (job.stage ?? "build") === stage)
            .flatMap(([name, job]) =>
                combinations(job.parallel?.matrix[0]).map((matrix): Job => {
                    const {
                        image,
                        id_tokens = {},
                        variables = {},
                        before_script = [],
                        script,
                    } = { ...defaults, ...job };
                    const { GIT_STRATEGY: strategy, ...env } = variables;
                    const tokens = Object.entries<Yaml>(id_tokens).map(([variable, { aud }]) => [variable, aud]);
                    const saved = job.artifacts?.paths[0];
                    return {
                        name,
                        image,
                        shell: inImage(image, ["-eo", "pipefail", "-c"]),
                        env: { ...env, ...matrix },
                        idTokens: Object.fromEntries(tokens),
                        onlyWith: job.rules?.flatMap(({ if: condition }: Yaml) => variablesOf(condition)),
                        steps: [
                            ...(strategy === "none" ? [] : [{ kind: "checkout" } as const]),
                            { kind: "take" },
                            // All in one shell.
                            { kind: "run", script: [...before_script, ...script].join("\n"), env: {} },
                            ...(saved ? [{ kind: "save", folder: saved } as const] : []),
                        ],
                    };
                }),
            ),
    );
}

function buildkite(text: string, lookup: Lookup): Pipeline {
    // As "buildkite-agent pipeline upload" does.
    const { steps, env } = filled(parse(text) as Yaml, /\$(\$|\w+)/g, (name) => (name === "$" ? "$" : lookup(name)));
    const stages: Pipeline = [[]];
    for (const step of steps) {
        if (step === "wait") {
            stages.push([]);
            continue;
        }
        for (const { matrix = "" } of combinations(step.matrix ? { matrix: step.matrix } : {})) {
            const { label, command, artifact_paths } = filled(step, /\{\{(matrix)\}\}/g, () => matrix);
            stages.at(-1)?.push({
                name: label,
                image: undefined,
                shell: ["bash", "-e", "-c"],
                env,
                idTokens: {},
                steps: [
                    { kind: "checkout" },
                    { kind: "run", script: command, env: {} },
                    ...(artifact_paths ? [{ kind: "save", folder: path.dirname(artifact_paths) } as const] : []),
                ],
            });
        }
    }
    return stages;
}
