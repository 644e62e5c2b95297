import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import * as path from "node:path";
import { until } from "../tests/e2e/processes";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";
import { LocalFolderResource } from "./localFolder";

jest.setTimeout(60_000);

describe("the removal of a local folder", () => {
    const environment = { ...process.env };
    let home: string;
    beforeEach(() => {
        home = temporaryFolder();
        process.env.NATIVE_BUILDX_HOME = home;
    });
    afterEach(() => {
        process.env = { ...environment };
        rmSync(home, { recursive: true, force: true });
    });

    const folder = "demo-dev/registry";
    const here = () => path.join(home, folder);
    const inputs = { folder, script: "registry.sh", alsoRemove: [] };
    const remove = () => new LocalFolderResource().delete(inputs, { urn: "registry" });
    const lives = (pid: number) => existsSync(`/proc/${pid}/cwd`);

    /** Starts a program as registry.sh and runner.sh do, and waits for its first word; its id. */
    async function daemon(program: string): Promise<number> {
        mkdirSync(here(), { recursive: true });
        const script = path.join(__dirname, "../components/localMachine/daemon.sh");
        const start = `. ${script} && start_daemon sh -c '${program}' && echo "$daemon"`;
        const pid = Number(execFileSync("sh", ["-c", start], { cwd: here(), encoding: "utf8" }));
        await until("the daemon to start", () => readFileSync(path.join(here(), "log"), "utf8") !== "");
        return pid;
    }

    it.each([
        ["ends", "echo begun; exec sleep 600"],
        ["ends, also where it does not heed a signal,", 'trap "" TERM; echo begun; while :; do sleep 1; done'],
    ])("%s what is left of one that was removed by hand", async (_what, program) => {
        const pid = await daemon(program);
        rmSync(here(), { recursive: true });
        await remove();
        expect(lives(pid)).toBe(false);
    });

    it("ends what its script does not find, because its files are gone", async () => {
        const pid = await daemon("echo begun; exec sleep 600");
        rmSync(path.join(here(), "pid"), { force: true });
        await remove();
        expect(lives(pid)).toBe(false);
        expect(existsSync(here())).toBe(false);
    });

    it("leaves a folder that is another resource's by now, as after its component was renamed", async () => {
        const pid = await daemon("echo begun; exec sleep 600");
        const type = new LocalFolderResource();
        await type.check(inputs, { urn: "renamed" });
        await type.delete(inputs, { urn: "registry" });
        expect([lives(pid), existsSync(here())]).toEqual([true, true]);
        await type.delete(inputs, { urn: "renamed" });
        expect([lives(pid), existsSync(here())]).toEqual([false, false]);
    });

    it("leaves a person's shell alone, and daemons of other folders", async () => {
        const other = spawn("sleep", ["600"], { cwd: home, stdio: "ignore" });
        mkdirSync(here(), { recursive: true });
        const shell = spawn("sh", ["-c", "read line"], { cwd: here(), stdio: ["pipe", "inherit", "inherit"] });
        try {
            await until("the shell to start", () => lives(shell.pid ?? 0));
            await remove();
            expect([other, shell].map(({ exitCode, signalCode }) => [exitCode, signalCode])).toEqual([
                [null, null],
                [null, null],
            ]);
        } finally {
            other.kill("SIGKILL");
            shell.kill("SIGKILL");
        }
    });
});
