import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { canSimulate, eventually, Simulation } from "..";

jest.setTimeout(180_000);

(canSimulate ? describe : describe.skip)("the simulated EC2's AWS command line", () => {
    let sim: Simulation;
    let folder: string;
    const home = () => path.dirname(sim.environment.SIM_CLIENTS ?? "");
    const aws = () => path.join(home(), "bin/aws");
    const installed = () => path.join(home(), "installed");
    const options = () => ({
        cwd: folder,
        env: { ...process.env, ...sim.environment, AWS_MAX_ATTEMPTS: "1" },
        encoding: "utf8" as const,
    });

    beforeAll(async () => {
        sim = Simulation.start();
        folder = mkdtempSync(path.join(tmpdir(), "simulated-"));
        await eventually("the process that has it in memory", async () =>
            readdirSync(home()).some((name) => /^\d+$/.test(name)) ? true : undefined,
        );
    }, 600_000);

    afterAll(() => sim?.stop());
    afterAll(() => folder && rmSync(folder, { recursive: true }));

    describe("where the simulation's process has it in memory", () => {
        // What is there no more, nobody falls back to.
        beforeAll(() => renameSync(installed(), path.join(folder, "installed")));
        afterAll(() => renameSync(path.join(folder, "installed"), installed()));

        test("has the caller's words, files, folder and environment", () => {
            const text = `${"x".repeat(3000)}\nü`;
            const put = 'printf %s "$1" | "$0" ssm put-parameter --name /a --type String --value file:///dev/stdin';
            execFileSync("sh", ["-c", put, aws(), text], options());
            const get = ["ssm", "get-parameter", "--name", "/a", "--query", "Parameter.Value", "--output", "text"];
            expect(execFileSync(aws(), get, options())).toBe(`${text}\n`);

            execFileSync(
                aws(),
                ["ssm", "put-parameter", "--name", "/b", "--value", "c", "--type", "String"],
                options(),
            );
            execFileSync("sh", ["-c", '"$0" ssm get-parameters --names /a /b >here', aws()], options());
            expect(existsSync(path.join(folder, "here"))).toBe(true);
            const nowhere = { ...options(), env: { ...options().env, AWS_ENDPOINT_URL: "nowhere" } };
            expect(spawnSync(aws(), get, nowhere).stderr).toContain("Invalid endpoint: nowhere");
        });

        test("keeps what it keeps in the caller's home", () => {
            const create = ["iam", "create-role", "--role-name", "other", "--assume-role-policy-document", "{}"];
            execFileSync(aws(), create, options());
            const HOME = path.join(folder, "home");
            mkdirSync(path.join(HOME, ".aws"), { recursive: true });
            const role = ["role_arn = arn:aws:iam::123456789012:role/other", "credential_source = Environment"];
            writeFileSync(path.join(HOME, ".aws/config"), ["[profile other]", ...role].join("\n"));
            const identity = ["sts", "get-caller-identity", "--profile", "other", "--query", "Arn", "--output", "text"];
            const env = { ...options().env, HOME };
            expect(execFileSync(aws(), identity, { ...options(), env })).toContain(":assumed-role/other/");
            expect(readdirSync(path.join(HOME, ".aws/cli/cache"))).toHaveLength(1);
        });

        test("ends with the status that it has", () => {
            const wrong = [
                ["ssm", "get-parameter", "--name", "/none"],
                ["ssm", "nothing"],
            ];
            const run = (program: string) =>
                wrong.map((words) => {
                    const { status, stderr } = spawnSync(program, words, options());
                    return [status, stderr.trim().split("\n").at(-1)];
                });
            const here = run(aws());
            expect(here[0]).toEqual([255, expect.stringContaining("ParameterNotFound")]);
            expect(here).toEqual(run(path.join(folder, "installed")));
        });

        test("ends with its caller", async () => {
            // It waits for what nobody writes.
            const fifo = path.join(folder, "fifo");
            execFileSync("mkfifo", [fifo]);
            const child = execFile(
                aws(),
                ["ssm", "put-parameter", "--name", "/c", "--value", `file://${fifo}`],
                options(),
            );
            const forks = () =>
                execFileSync("pgrep", ["--count", "--full", `aws_command ${home()}$`], { encoding: "utf8" }).trim();
            await eventually("a fork", async () => (forks() === "2" ? true : undefined));
            child.kill("SIGKILL");
            await eventually("no fork", async () => (forks() === "1" ? true : undefined));
        });
    });

    test("is the installed one in another network, where the same words mean something else", () => {
        const words = ["--net", aws(), "ssm", "get-parameter", "--name", "/a"];
        expect(spawnSync("unshare", words, options()).stderr).toContain("Could not connect to the endpoint URL");
    });
});
