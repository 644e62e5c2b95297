import { spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { describeStacks } from "./stackBench";

jest.setTimeout(60_000);

describeStacks("make up and make down", (bench) => {
    describe("where there is a lock", () => {
        const locked = (pid: number, project = "native-buildx") =>
            bench().write(
                `data/state/.pulumi/locks/organization/${project}/dev/1.json`,
                JSON.stringify({ pid, username: "somebody", hostname: hostname() }),
            );

        /** While a process runs whose program has this name. */
        function beside(name: string, act: (pid: number) => void): void {
            bench().write(`running/${name}`, "#!/bin/sh", "read line");
            const running = spawn(bench().path(`running/${name}`), { stdio: ["pipe", "ignore", "ignore"] });
            try {
                act(running.pid ?? 0);
            } finally {
                running.kill("SIGKILL");
            }
        }

        beforeEach(() => {
            bench().run("up.sh");
        });

        it("wait for whoever holds it", () => {
            beside("pulumi", (pid) => {
                locked(pid);
                const { status, stderr } = bench().shell("tools/up.sh");
                expect(status).not.toBe(0);
                expect(stderr).toContain(
                    `Another pulumi command is at work on stack dev (process ${pid} on ${hostname()})`,
                );
            });
        });

        (process.getuid?.() === 0 ? it : it.skip)("wait for another user's, whom this one may not signal", () => {
            beside("pulumi", (pid) => {
                locked(pid);
                chmodSync(bench().folder, 0o755);
                const look = bench().shellOf(
                    65_534,
                    "-c",
                    ". ./tools/env.sh && . ./tools/stack.sh && find_other_runs dev",
                );
                expect(look.status).not.toBe(0);
                expect(look.stderr).toContain(`Another pulumi command is at work on stack dev (process ${pid} on`);
            });
        });

        it("remove it where its process's id is another program's by now", () => {
            beside("program", (pid) => {
                locked(pid);
                const { status, stderr } = bench().shell("tools/up.sh");
                expect(stderr).toContain(`Removing the lock of an interrupted run (process ${pid}).`);
                expect(status).toBe(0);
            });
            expect(existsSync(bench().path("data/state/.pulumi/locks/organization/native-buildx/dev/1.json"))).toBe(
                false,
            );
        });

        it("do not wait for another project's stack of that name", () => {
            beside("pulumi", (pid) => {
                locked(pid, "other");
                expect(bench().shell("tools/up.sh")).toMatchObject({ status: 0, stderr: "" });
            });
        });
    });

    describe("after a run that was killed", () => {
        const stateFile = () => bench().path("data/state/.pulumi/stacks/native-buildx/dev.json");
        const state = () => JSON.parse(readFileSync(stateFile(), "utf8")).checkpoint.latest;

        // A stack with a resource and a whole backup.
        beforeEach(() => {
            bench().run("up.sh");
            const urn = (name: string) => `urn:pulumi:dev::native-buildx::test:index:Thing::${name}`;
            const resource = (name: string) => ({ urn: urn(name), type: "test:index:Thing", custom: false });
            const { deployment, ...exported } = JSON.parse(pulumiCommand("pulumi stack export --stack dev"));
            deployment.resources = [resource("kept")];
            bench().write("import.json", JSON.stringify({ ...exported, deployment }));
            pulumiCommand("pulumi stack import --stack dev --file import.json");

            const whole = JSON.parse(readFileSync(stateFile(), "utf8"));
            whole.checkpoint.latest.pending_operations = [{ type: "creating", resource: resource("instance") }];
            writeFileSync(stateFile(), JSON.stringify(whole));
            cpSync(stateFile(), `${stateFile()}.bak`);
        });

        function pulumiCommand(command: string): string {
            const { status, stdout, stderr } = bench().shell("-c", `. ./tools/env.sh && ${command}`);
            if (status !== 0) {
                throw new Error(stderr);
            }
            return stdout;
        }

        it("name what was being created once, and forget it", () => {
            expect(bench().shell("tools/up.sh").stderr).toMatch(
                /removing pending operation 'creating' on '.*::instance'/,
            );
            expect(state().resources.map(({ urn }: { urn: string }) => urn.split("::")[3])).toEqual(["kept"]);
            expect(state().pending_operations).toBeUndefined();

            expect(bench().shell("tools/up.sh").stderr).not.toContain("instance");
            expect(bench().calls).toContain("up dev, plugins not fetched");
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

            const { status, stderr } = bench().shell("tools/up.sh");
            expect(stderr).toContain(`Removing ${stateFile()}.attrs`);
            expect(status).toBe(0);
            expect(state().resources).toHaveLength(1);
        });

        it.each([
            ["empty", 0],
            ["cut", 200],
        ])("go on from the backup where the state is %s", (_, length) => {
            truncateSync(stateFile(), length);

            const { status, stderr } = bench().shell("tools/up.sh");
            expect(stderr).toContain(`Using ${stateFile()}.bak`);
            expect(status).toBe(0);
            expect(state().resources).toHaveLength(1);
        });

        it("stop where the backup is damaged too, and say where older ones are", () => {
            truncateSync(stateFile(), 0);
            truncateSync(`${stateFile()}.bak`, 0);

            const { status, stderr } = bench().shell("tools/up.sh");
            expect(stderr).toContain(`Copy the newest whole file of ${bench().path("data/state/.pulumi/backups")}`);
            expect(status).not.toBe(0);
            expect(readFileSync(stateFile(), "utf8")).toBe("");
        });
    });
});
