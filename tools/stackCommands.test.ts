import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import * as path from "node:path";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";

jest.setTimeout(60_000);

const checkout = path.resolve(__dirname, "..");
const pulumi = [path.join(checkout, "tools/bin"), ...(process.env.PATH ?? "").split(":")]
    .map((folder) => path.join(folder, "pulumi"))
    .find((file) => existsSync(file));

// The real scripts and the real pulumi; only what would set up the machine, deploy or show a stack is noted instead.
(pulumi ? describe : describe.skip)("make up and make down", () => {
    let folder: string;
    const write = (file: string, ...lines: string[]) => {
        mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
        writeFileSync(path.join(folder, file), `${lines.join("\n")}\n`);
        chmodSync(path.join(folder, file), 0o755);
    };

    beforeEach(() => {
        folder = temporaryFolder();
        for (const file of ["env.sh", "stack.sh", "up.sh", "down.sh"]) {
            cpSync(path.join(checkout, "tools", file), path.join(folder, "tools", file));
        }
        cpSync(path.join(checkout, "Pulumi.yaml"), path.join(folder, "Pulumi.yaml"));
        const note = `>>'${folder}/calls'`;
        write("tools/setup.sh", "#!/bin/sh", `echo setup ${note}`);
        write("examples/encoder/prepare.sh", "#!/bin/sh", `echo prepare ${note}`);
        write(
            "tools/bin/node",
            "#!/bin/sh",
            `case "$*" in *summary.ts*) cat >/dev/null; echo summary ${note} ;; *) exec '${process.execPath}' "$@" ;; esac`,
        );
        write(
            "tools/bin/pulumi",
            "#!/bin/sh",
            'case "$1 $2" in',
            `"up "* | "destroy "*) echo "$1 $3, plugins \${PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION:+not }fetched" ${note} ;;`,
            `"stack output") echo '{"connect": "echo connect $1 ${note.replaceAll("'", "")}"}' ;;`,
            `*) exec '${pulumi}' "$@" ;;`,
            "esac",
        );
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    const shell = (...words: string[]) => shellOf(process.getuid?.(), ...words);
    function shellOf(uid: number | undefined, ...words: string[]) {
        const { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: _, PULUMI_PARALLEL: __, ...inherited } = process.env;
        return spawnSync("sh", words, {
            cwd: folder,
            encoding: "utf8",
            uid,
            env: {
                ...inherited,
                HOME: folder,
                PULUMI_HOME: path.join(folder, "pulumi"),
                NATIVE_BUILDX_HOME: path.join(folder, "data"),
                PULUMI_BACKEND_URL: "",
            },
        });
    }
    const calls = () => readFileSync(path.join(folder, "calls"), "utf8").trim().split("\n");
    function run(script: string, ...args: string[]): string[] {
        rmSync(path.join(folder, "calls"), { force: true });
        const { status, stderr } = shell(path.join(folder, "tools", script), ...args);
        if (status !== 0) {
            throw new Error(stderr);
        }
        return calls();
    }
    const configure = (stack: string, runners: string) =>
        write(`Pulumi.${stack}.yaml`, "config:", `  native-buildx:runners: ${runners}`);

    it("set the machine up, make the stack where there is none, and go on with it", () => {
        expect(run("up.sh")).toEqual(["setup", "up dev, plugins not fetched", "connect --prepare", "summary"]);
        expect(run("down.sh")).toEqual(["setup", "destroy dev, plugins not fetched"]);
    });

    it("take no stack down that there is not, nor make it: its name may be wrong", () => {
        run("up.sh");
        const { status, stderr } = shell(path.join(folder, "tools/down.sh"), "prdo");
        expect(status).not.toBe(0);
        expect(stderr).toMatch(/prdo.*\nNothing was removed/);
        const { stdout } = shell("-c", ". ./tools/env.sh && pulumi stack ls --json");
        expect(JSON.parse(stdout).map(({ name }: { name: string }) => name)).toEqual(["dev"]);
    });

    it("know the folder of a file backend that the project's file names", () => {
        for (const text of ["backend:\n  url: file:///own # ours", 'backend: {url: "file:///own"}']) {
            write("Pulumi.yaml", "name: native-buildx", text);
            expect(shell("-c", ". ./tools/env.sh && . ./tools/stack.sh && state_folder").stdout).toBe("/own/.pulumi\n");
        }
    });

    it("make the example's inputs for a stack that builds it", () => {
        write("Pulumi.dev.yaml", "config:", "  native-buildx:images: {app: {context: examples/encoder/app}}");
        expect(run("up.sh")).toContain("prepare");
    });

    it("make none where a comment alone names the example", () => {
        write(
            "Pulumi.dev.yaml",
            "config:",
            "  # As in examples/encoder",
            "  native-buildx:images: {app: {context: app}}",
        );
        expect(run("up.sh")).not.toContain("prepare");
    });

    it("find a stack's file in the folder that the project's file names, and for a name with its organization", () => {
        writeFileSync(path.join(folder, "Pulumi.yaml"), 'stackConfigDir: "stacks/" # ours\n', { flag: "a" });
        write(
            "stacks/Pulumi.prod.yaml",
            "config:",
            "  native-buildx:runners: ec2",
            "  native-buildx:images: {app: {context: examples/encoder/app}}",
        );
        const name = "organization/native-buildx/prod";
        const made = ["setup", "prepare", `up ${name}, plugins fetched`, "connect --prepare", "summary"];
        expect(run("up.sh", name)).toEqual(made);
        expect(run("up.sh", name)).toEqual(made);
        expect(existsSync(path.join(folder, "data/native-buildx-prod"))).toBe(true);
        expect(run("down.sh", "prod")).toEqual(["setup", "destroy prod, plugins fetched"]);
        expect(existsSync(path.join(folder, "data/native-buildx-prod"))).toBe(false);
    });

    it.each(["ec2", '"ec2"', "'ec2' # runners at AWS"])("let Pulumi fetch plugins for runners: %s", (runners) => {
        configure("prod", runners);
        expect(run("up.sh", "prod")).toEqual(["setup", "up prod, plugins fetched", "connect --prepare", "summary"]);
        expect(run("down.sh", "prod")).toEqual(["setup", "destroy prod, plugins fetched"]);
    });

    it("do not for local runners, whatever another stack has", () => {
        configure("prod", "ec2");
        configure("mine", "local");
        expect(run("up.sh", "mine")).toContain("up mine, plugins not fetched");
    });

    it("leave the text of a stack's file as it was written, with what Pulumi adds for secrets", () => {
        const written = [
            "# mine",
            "config:",
            "  native-buildx:images:",
            "    app: {tags: [1.0], args: {MODE: 0644}}",
            "",
        ];
        write("Pulumi.PR-12.yaml", ...written);
        run("up.sh", "PR-12");
        const text = () => readFileSync(path.join(folder, "Pulumi.PR-12.yaml"), "utf8");
        const [salt = "", ...others] = text()
            .split("\n")
            .filter((line) => !written.includes(line));
        expect(salt).toMatch(/^encryptionsalt: v1:/);
        expect(others).toEqual([]);
        const after = text();
        run("up.sh", "PR-12");
        expect(text()).toBe(after);
    });

    describe("where there is a lock", () => {
        const locked = (pid: number, project = "native-buildx") =>
            write(
                `data/state/.pulumi/locks/organization/${project}/dev/1.json`,
                JSON.stringify({ pid, username: "somebody", hostname: hostname() }),
            );

        /** While a process runs whose program has this name. */
        function beside(name: string, act: (pid: number) => void): void {
            write(`running/${name}`, "#!/bin/sh", "read line");
            const running = spawn(path.join(folder, "running", name), { stdio: ["pipe", "ignore", "ignore"] });
            try {
                act(running.pid ?? 0);
            } finally {
                running.kill("SIGKILL");
            }
        }

        beforeEach(() => {
            run("up.sh");
        });

        it("wait for whoever holds it", () => {
            beside("pulumi", (pid) => {
                locked(pid);
                const { status, stderr } = shell("tools/up.sh");
                expect(status).not.toBe(0);
                expect(stderr).toContain(
                    `Another pulumi command is at work on stack dev (process ${pid} on ${hostname()})`,
                );
            });
        });

        (process.getuid?.() === 0 ? it : it.skip)("wait for another user's, whom this one may not signal", () => {
            beside("pulumi", (pid) => {
                locked(pid);
                chmodSync(folder, 0o755);
                const look = shellOf(65_534, "-c", ". ./tools/env.sh && . ./tools/stack.sh && find_other_runs dev");
                expect(look.status).not.toBe(0);
                expect(look.stderr).toContain(`Another pulumi command is at work on stack dev (process ${pid} on`);
            });
        });

        it("remove it where its process's id is another program's by now", () => {
            beside("program", (pid) => {
                locked(pid);
                const { status, stderr } = shell("tools/up.sh");
                expect(stderr).toContain(`Removing the lock of an interrupted run (process ${pid}).`);
                expect(status).toBe(0);
            });
            expect(
                existsSync(path.join(folder, "data/state/.pulumi/locks/organization/native-buildx/dev/1.json")),
            ).toBe(false);
        });

        it("do not wait for another project's stack of that name", () => {
            beside("pulumi", (pid) => {
                locked(pid, "other");
                expect(shell("tools/up.sh")).toMatchObject({ status: 0, stderr: "" });
            });
        });
    });

    describe("after a run that was killed", () => {
        const stateFile = () => path.join(folder, "data/state/.pulumi/stacks/native-buildx/dev.json");
        const state = () => JSON.parse(readFileSync(stateFile(), "utf8")).checkpoint.latest;

        // A stack with a resource and a whole backup.
        beforeEach(() => {
            run("up.sh");
            const urn = (name: string) => `urn:pulumi:dev::native-buildx::test:index:Thing::${name}`;
            const resource = (name: string) => ({ urn: urn(name), type: "test:index:Thing", custom: false });
            const { deployment, ...exported } = JSON.parse(pulumiCommand("pulumi stack export --stack dev"));
            deployment.resources = [resource("kept")];
            write("import.json", JSON.stringify({ ...exported, deployment }));
            pulumiCommand("pulumi stack import --stack dev --file import.json");

            const whole = JSON.parse(readFileSync(stateFile(), "utf8"));
            whole.checkpoint.latest.pending_operations = [{ type: "creating", resource: resource("instance") }];
            writeFileSync(stateFile(), JSON.stringify(whole));
            cpSync(stateFile(), `${stateFile()}.bak`);
        });

        function pulumiCommand(command: string): string {
            const { status, stdout, stderr } = shell("-c", `. ./tools/env.sh && ${command}`);
            if (status !== 0) {
                throw new Error(stderr);
            }
            return stdout;
        }

        it("name what was being created once, and forget it", () => {
            expect(shell("tools/up.sh").stderr).toMatch(/removing pending operation 'creating' on '.*::instance'/);
            expect(state().resources.map(({ urn }: { urn: string }) => urn.split("::")[3])).toEqual(["kept"]);
            expect(state().pending_operations).toBeUndefined();

            expect(shell("tools/up.sh").stderr).not.toContain("instance");
            expect(calls()).toContain("up dev, plugins not fetched");
        });

        it.each([
            ["empty", ""],
            ["cut", '{"user.cache_control":"","user.con'],
            ["full of zeros", "\0".repeat(300)],
        ])("go on where the attributes of the state are %s", (_, text) => {
            writeFileSync(`${stateFile()}.attrs`, text);
            writeFileSync(`${stateFile()}.bak.attrs`, text);
            // What a person would see.
            expect(() => pulumiCommand("pulumi stack --stack dev")).toThrow("failed to load checkpoint");

            const { status, stderr } = shell("tools/up.sh");
            expect(stderr).toContain(`Removing ${stateFile()}.attrs`);
            expect(status).toBe(0);
            expect(state().resources).toHaveLength(1);
        });

        it.each([
            ["empty", 0],
            ["cut", 200],
        ])("go on from the backup where the state is %s", (_, length) => {
            truncateSync(stateFile(), length);

            const { status, stderr } = shell("tools/up.sh");
            expect(stderr).toContain(`Using ${stateFile()}.bak`);
            expect(status).toBe(0);
            expect(state().resources).toHaveLength(1);
        });

        it("stop where the backup is damaged too, and say where older ones are", () => {
            truncateSync(stateFile(), 0);
            truncateSync(`${stateFile()}.bak`, 0);

            const { status, stderr } = shell("tools/up.sh");
            expect(stderr).toContain(
                `Copy the newest whole file of ${path.join(folder, "data/state/.pulumi/backups")}`,
            );
            expect(status).not.toBe(0);
            expect(readFileSync(stateFile(), "utf8")).toBe("");
        });
    });
});
