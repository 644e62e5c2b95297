import { execFileSync } from "node:child_process";
import {
    cpSync,
    existsSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    rmSync,
    statSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import * as path from "node:path";
import { knownPlatforms } from "../../components/architecture";
import { stackNameOf } from "../../components/stackName";
import { checkout, tools } from "../helpers/checkout";
import { freePortsInRow } from "../helpers/freePorts";
import { type Arch, stepBinary } from "../helpers/stepImage";
import { temporaryFolder } from "../helpers/temporaryFolder";
import { Commands, type Result, type Running } from "./commands";
import { commandOf, descendants, processesIn, until } from "./processes";
import { UnprivilegedUser } from "./unprivilegedUser";

export const registryHost = "registry.native-buildx.internal";

/** What `pulumi up` and `preview` say where there is nothing to do. */
export const unchanged = /^Resources:\n +\d+ unchanged\n/m;

/** Names and arguments of Pulumi's commands that concern no runner where nothing was changed. */
export const quietCommands: [name: string, args: string[]][] = [
    ["up", ["up", "--yes", "--skip-preview"]],
    ["preview", ["preview"]],
    ["refresh", ["refresh", "--yes", "--skip-preview"]],
];

/** A machine's folders: what different users, or CI, do not share. */
export interface Machine {
    /** NATIVE_BUILDX_HOME: runners, registry. */
    home: string;
    /** HOME: buildx's records. */
    user: string;
    /** Pulumi's state. */
    state: string;
}

export interface ProjectOptions {
    /** Folders that are another project's too. */
    machine?: Partial<Machine>;
    /** The first port. @default some that are free */
    port?: number;
    /** Run every command as a user without any rights, not as root. @default false */
    unprivileged?: boolean;
}

/**
 * A project folder of its own with a stack, on a data folder, home and ports of its own: the real program, engine,
 * daemons and registry. `end` leaves nothing behind.
 */
export class Project extends Commands {
    readonly folder: string;
    readonly machine: Machine;
    /** Who runs the commands, if not root. */
    readonly user: UnprivilegedUser | undefined;
    port = 0;
    /** Of the project, in Pulumi.yaml. */
    protected readonly name: string = "native-buildx";
    private readonly outputsSaid = new Map<string, string>();

    protected constructor(
        readonly stack: string,
        private readonly settings: { [name: string]: unknown },
        options: ProjectOptions,
    ) {
        super();
        // Short: the path of a unix socket has at most 107 characters.
        this.folder = temporaryFolder();
        this.user = options.unprivileged ? new UnprivilegedUser(this.folder, checkout) : undefined;
        this.machine = {
            home: path.join(this.folder, "data"),
            user: path.join(this.folder, "user"),
            state: path.join(this.folder, "state"),
            ...options.machine,
        };
        for (const folder of Object.values(this.machine)) {
            mkdirSync(folder, { recursive: true });
            this.user?.give(folder);
        }
        for (const file of ["index.ts", "components", "configuration", "provider", "node_modules", "package.json"]) {
            symlinkSync(path.join(this.user?.checkout ?? checkout, file), path.join(this.folder, file));
        }
        cpSync(path.join(checkout, "Pulumi.yaml"), path.join(this.folder, "Pulumi.yaml"));
    }

    /** @param settings of the stack; `images` as in the configuration */
    static async create(
        stack: string,
        settings: { [name: string]: unknown } = {},
        options: ProjectOptions = {},
    ): Promise<Project> {
        const project = new Project(stack, settings, options);
        project.port = options.port ?? (await freePortsInRow(1 + knownPlatforms.length));
        project.configure({});
        return project;
    }

    /** Changes settings. */
    configure(settings: { [name: string]: unknown }): void {
        Object.assign(this.settings, settings);
        const values = Object.entries({ ...(this.port ? { localPort: this.port } : {}), ...this.settings });
        const config = Object.fromEntries(
            values.map(([name, value]) => [name.includes(":") ? name : `native-buildx:${name}`, value]),
        );
        const file = path.join(this.folder, `Pulumi.${this.stack}.yaml`);
        const salt = existsSync(file) ? /^encryptionsalt: .*$/m.exec(readFileSync(file, "utf8"))?.[0] : undefined;
        // YAML takes JSON.
        writeFileSync(file, `${salt ? `${salt}\n` : ""}config: ${JSON.stringify(config)}\n`);
        this.user?.give(file);
    }

    /** Writes an image's context: a Dockerfile that starts from nothing but the step program, and other files. */
    context(name: string, dockerfile: string[], files: { [name: string]: string } = {}): string {
        const folder = path.join(this.folder, name);
        mkdirSync(folder, { recursive: true });
        for (const arch of ["amd64", "arm64"] as const) {
            cpSync(stepBinary(arch), path.join(folder, `step-${arch}`));
        }
        writeFileSync(path.join(folder, "Dockerfile"), `${dockerfile.join("\n")}\n`);
        for (const [file, text] of Object.entries(files)) {
            writeFileSync(path.join(folder, file), text);
        }
        return name;
    }

    get environment(): NodeJS.ProcessEnv {
        const { SSL_CERT_DIR: _, DOCKER_CONFIG: __, BUILDX_CONFIG: ___, ...inherited } = process.env;
        return {
            ...inherited,
            PATH: `${tools}:${process.env.PATH}`,
            HOME: this.machine.user,
            PULUMI_HOME: process.env.PULUMI_HOME ?? path.join(process.env.HOME ?? "/root", ".pulumi"),
            NATIVE_BUILDX_HOME: this.machine.home,
            SSL_CERT_DIR: `/etc/ssl/certs:${path.join(this.machine.home, "trust")}`,
            PULUMI_BACKEND_URL: `file://${this.machine.state}`,
            PULUMI_CONFIG_PASSPHRASE: "test",
            PULUMI_SKIP_UPDATE_CHECK: "true",
            PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
            // Root's plugins are out of another user's reach.
            ...(this.user ? { ...this.user.environment, PULUMI_HOME: path.join(this.machine.user, ".pulumi") } : {}),
        };
    }

    /** Runs a pulumi command on the stack. */
    pulumi(...args: string[]): Promise<Result> {
        return this.run("pulumi", [...args, "--stack", this.stack, "--non-interactive"]);
    }

    async init(): Promise<void> {
        await this.succeed(this.pulumi("stack", "init"));
    }

    /** @param env variables besides the project's own */
    startUp(env?: NodeJS.ProcessEnv): Running {
        const words = ["up", "--yes", "--skip-preview", "--stack", this.stack, "--non-interactive"];
        return this.start("pulumi", words, { env });
    }

    up(env?: NodeJS.ProcessEnv): Promise<Result> {
        return this.startUp(env).done;
    }

    async outputs(): Promise<{
        images: { [name: string]: { ref: string; platforms: { [platform: string]: string } } };
    }> {
        return JSON.parse(await this.output("--json"));
    }

    async connectScript(): Promise<string> {
        return this.output("connect");
    }

    /** What `stack output` says. It is asked once for each state: it takes half a second of processor time, at each look into an image. */
    private async output(...words: string[]): Promise<string> {
        const file = path.join(this.machine.state, ".pulumi/stacks", this.name, `${this.stack}.json`);
        const state = statSync(file, { bigint: true, throwIfNoEntry: false });
        const key = [state?.mtimeNs, state?.ino, ...words].join(" ");
        const known = state && this.outputsSaid.get(key);
        const said = known ?? (await this.succeed(this.pulumi("stack", "output", ...words))).output;
        this.outputsSaid.set(key, said);
        return said;
    }

    /** What programs that look into the registry need besides: its login, where it has one. */
    async registryEnvironment(): Promise<NodeJS.ProcessEnv> {
        return {};
    }

    /** A file of a platform's image, as it is in the registry. @param filter that it goes through, as in `| wc`. @default none */
    async fileIn(image: string, arch: string, file: string, filter = ""): Promise<string> {
        const { images } = await this.outputs();
        const ref = images[image]?.platforms[`linux/${arch}`] ?? "";
        const script = `crane export "$0" - | tar --extract --to-stdout --file - "$1" ${filter}`;
        const env = await this.registryEnvironment();
        return (await this.succeed(this.run("sh", ["-c", script, ref, file], { env }))).output;
    }

    /** SHA-256 of such a file. */
    async digestOfFile(image: string, arch: Arch, file: string): Promise<string> {
        return (await this.fileIn(image, arch, file, "| sha256sum")).trim();
    }

    /** The platforms of an image's index, as they are in the registry. */
    async platformsOf(image: string): Promise<string[]> {
        const { images } = await this.outputs();
        const env = await this.registryEnvironment();
        const raw = await this.succeed(this.run("crane", ["manifest", images[image]?.ref ?? ""], { env }));
        const index = JSON.parse(raw.output) as { manifests: { platform: { os: string; architecture: string } }[] };
        return index.manifests.map(({ platform }) => `${platform.os}/${platform.architecture}`).sort();
    }

    /** @param name of a runner, or `registry` */
    runnerFolder(name: string): string {
        return path.join(this.machine.home, stackNameOf(this.name, this.stack), name);
    }

    /** What a runner says of itself; `absent` before its first wake. */
    async state(runner: string): Promise<string> {
        const folder = this.runnerFolder(runner);
        if (!existsSync(path.join(folder, "runner.sh"))) {
            return "absent";
        }
        return execFileSync("sh", ["runner.sh", "status"], { cwd: folder, encoding: "utf8" }).trim();
    }

    /** Process id of a runner's supervisor, or of the registry; 0 if there is none. */
    pid(name: Arch | "registry"): number {
        const file = path.join(this.runnerFolder(name), "pid");
        const pid = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
        // One that ended, but that nobody has waited for yet, has no command line any more.
        return pid && commandOf(pid) ? pid : 0;
    }

    /** Process id of a runner's buildkitd. */
    buildkitdPid(arch: Arch): number {
        const found = descendants(this.pid(arch)).find((pid) => commandOf(pid).startsWith("buildkitd "));
        if (!found) {
            throw new Error(`no buildkitd runs for ${arch}`);
        }
        return found;
    }

    /** Asks for an idle stop's effect at once: ends the runners as if they had been idle. */
    stopRunners(...archs: Arch[]): void {
        for (const arch of archs) {
            execFileSync("sh", ["runner.sh", "stop"], { cwd: this.runnerFolder(arch) });
        }
    }

    /** Ends all that is left and removes the folder. For afterAll, whatever happened before. */
    async end(): Promise<void> {
        const base = path.join(this.machine.home, stackNameOf(this.name, this.stack));
        const folders = existsSync(base) ? readdirSync(base) : [];
        for (const name of folders) {
            for (const script of ["runner.sh", "registry.sh"]) {
                if (existsSync(path.join(base, name, script))) {
                    execFileSync("sh", [script, "stop"], { cwd: path.join(base, name), stdio: "ignore" });
                }
            }
        }
        // The language host and the providers of an engine that was killed end by themselves.
        await until(`processes in ${this.folder} to end`, () => processesIn(this.folder).length === 0);
        rmSync(this.folder, { recursive: true, force: true });
    }
}
