import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { commandOf, kill, processesIn, until } from "../tests/e2e/processes";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";

jest.setTimeout(120_000);

const checkout = path.resolve(__dirname, "..");
const tools = path.join(checkout, "tools/bin");

// Where Pulumi is an official one it brings its own language host.
(existsSync(path.join(tools, "pulumi")) ? describe : describe.skip)("the Node language host", () => {
    let folder: string;
    let engine: ChildProcess | undefined;

    beforeEach(() => {
        folder = temporaryFolder();
        mkdirSync(path.join(folder, "state"));
        symlinkSync(path.join(checkout, "node_modules"), path.join(folder, "node_modules"));
        writeFileSync(path.join(folder, "package.json"), "{}");
        writeFileSync(
            path.join(folder, "Pulumi.yaml"),
            [
                "name: hosted",
                "runtime: {name: nodejs, options: {typescript: false, nodeargs: --import=tsx}}",
                "main: index.ts",
                "config: {images: {type: object, default: {}}}",
                "",
            ].join("\n"),
        );
        execFileSync("pulumi", ["stack", "init", "test"], { cwd: folder, env: environment(), stdio: "pipe" });
    });
    afterEach(() => {
        engine?.kill("SIGKILL");
        for (const pid of processesIn(folder)) {
            kill(pid);
        }
        rmSync(folder, { recursive: true });
    });

    const environment = () => ({
        ...process.env,
        PATH: `${tools}:${process.env.PATH}`,
        HOME: folder,
        PULUMI_HOME: path.join(folder, "pulumi"),
        PULUMI_BACKEND_URL: `file://${folder}/state`,
        PULUMI_CONFIG_PASSPHRASE: "",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    });

    /** Starts `pulumi up` of a program, in a process group of its own as a terminal would. */
    function up(program: string) {
        writeFileSync(path.join(folder, "index.ts"), program);
        return start("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "test");
    }

    function start(command: string, ...args: string[]) {
        const child = spawn(command, args, { cwd: folder, env: environment(), detached: true });
        engine = child;
        let output = "";
        for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding("utf8").on("data", (text: string) => {
                output += text;
            });
        }
        const done = new Promise<{ code: number | null; output: string }>((resolve) => {
            child.on("close", (code) => resolve({ code, output }));
        });
        return { group: -(child.pid as number), done };
    }

    const isGone = () => processesIn(folder).length === 0;

    // A program that says which process it runs in, and goes on.
    const runs = (...lines: string[]) =>
        [
            'import { renameSync, writeFileSync } from "node:fs";',
            'writeFileSync("pid.new", String(process.pid));',
            'renameSync("pid.new", "pid");',
            ...lines,
            "export = () => new Promise((resolve) => setTimeout(resolve, 600_000));",
        ].join("\n");

    it.each([
        ["is silent", ""],
        // What it would learn of its engine's end is taken from it, except the closed pipes.
        [
            "writes to standard output",
            'process.stdin.removeAllListeners(); setInterval(() => console.log("at work"), 20);',
        ],
        [
            "writes to standard error",
            'process.stdin.removeAllListeners(); setInterval(() => console.error("at work"), 20);',
        ],
    ])("ends with an engine that is killed, under a program that %s", async (_, line) => {
        const { group, done } = up(runs(line));
        const file = path.join(folder, "pid");
        await until("the program to run", () => existsSync(file));
        const host = Number(readFileSync(file, "utf8"));
        expect(commandOf(host)).toContain("pulumi-language-nodejs");
        expect(processesIn(folder)).toContain(host);

        process.kill(group, "SIGKILL");
        await done;
        await until("the host to end", () => commandOf(host) === "" && isGone(), 30);
    });

    it("ends with an engine that refuses the configuration, without running the program", async () => {
        writeFileSync(path.join(folder, "Pulumi.test.yaml"), "config: {'hosted:images': '{}'}\n");
        const { code, output } = await up(runs()).done;

        expect(code).not.toBe(0);
        expect(output).toContain("configuration key 'images' must be of type 'object'");
        await until("the host to end", isGone, 30);
        expect(existsSync(path.join(folder, "pid"))).toBe(false);
    });

    it("is reached by its engine, and reaches it, where a proxy is set", async () => {
        mkdirSync(path.join(folder, "tools"));
        cpSync(path.join(checkout, "tools/env.sh"), path.join(folder, "tools/env.sh"));
        writeFileSync(path.join(folder, "index.ts"), 'export = { said: "hello" };');
        // Nobody listens there.
        const proxies = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"].map(
            (name) => `${name}=http://127.0.0.1:9`,
        );
        const script = `unset no_proxy NO_PROXY; . ./tools/env.sh && ${proxies.join(" ")} pulumi preview --stack test`;
        const { code, output } = await start("sh", "-c", script).done;

        expect(output).toContain('said: "hello"');
        expect(code).toBe(0);
    });

    it("deletes nothing where a part of the program that nobody waits for has failed", async () => {
        const program = 'import * as pulumi from "@pulumi/pulumi";\n';
        const declares = 'new pulumi.ComponentResource("test:index:Kept", "kept");';
        expect((await up(program + declares).done).code).toBe(0);
        const fails = 'pulumi.output(1).apply(() => { throw new pulumi.RunError("no good"); });';
        const { code, output } = await up(program + fails).done;

        expect(code).not.toBe(0);
        expect(output).toContain("no good");
        const { output: state } = await start("pulumi", "stack", "export", "--stack", "test").done;
        expect(state).toContain("::kept");
    });

    it("ends after a program that failed, whose error is shown once", async () => {
        const { code, output } = await up('export = async () => { throw new Error("no good"); };').done;

        expect(code).not.toBe(0);
        expect(output.split("Diagnostics:")[1]?.match(/no good/g)).toHaveLength(1);
        await until("the host to end", isGone, 30);
    });
});
