import { existsSync } from "node:fs";
import { allShells, connectBenchForEach } from "./connectBench";

jest.setTimeout(60_000);

describe.each(allShells)("connect --done in %s", (name, shell) => {
    const { it, bench } = connectBenchForEach(name, shell);
    const done = (env = {}, ...platforms: string[]) => bench().connect({ args: ["--done", ...platforms], env });

    it("gives back what was taken for this caller, by the name that it had before, and says nothing", async () => {
        await bench().connect();
        const result = await done();
        expect(result).toMatchObject({ status: 0, stderr: "" });
        const [caller = "", ...others] = new Set(bench().lines("callers"));
        expect(others).toEqual([]);
        expect(caller).toMatch(/^[A-Za-z0-9-]{6,}$/);
        expect(bench().lines("left").sort()).toEqual([`amd64 ${caller}`, `arm64 ${caller}`]);
    });

    it("needs no buildx, wakes nobody, and leaves the builder as it is", async () => {
        await bench().connect();
        const [nodes, woken] = [bench().nodesOf("demo-dev"), bench().lines("woken").length];
        bench().write("no-plugin");
        expect(await done({}, "linux/arm64")).toMatchObject({ status: 0, stderr: "" });
        expect(bench().lines("left")).toHaveLength(1);
        expect(bench().nodesOf("demo-dev")).toEqual(nodes);
        expect(bench().lines("woken")).toHaveLength(woken);
    });

    it("is done where nobody has ever connected", async () => {
        expect(await done()).toMatchObject({ status: 0, stderr: "" });
        expect(existsSync(bench().keysFolder("caller"))).toBe(true);
    });

    it("leaves the others, and fails, where one cannot be left", async () => {
        bench().write("cannot-leave-amd64");
        const { status, stderr } = await done();
        expect(status).toBe(1);
        expect(stderr).toBe("stub runner amd64: cannot be left\n");
        expect(bench().lines("left")).toHaveLength(2);
    });

    it("is another caller in every job of CI on one machine, and in every home", async () => {
        const matrix = { GITHUB_RUN_ID: "1", GITHUB_JOB: "matrix" };
        const jobs = [
            {},
            { CI_JOB_ID: "1" },
            { CI_JOB_ID: "2" },
            { GITHUB_RUN_ID: "1", GITHUB_JOB: "build" },
            { GITHUB_RUN_ID: "1", GITHUB_JOB: "test" },
            // Jobs of a matrix have one name, and runners of a repository and of its organization may have one too.
            { ...matrix, RUNNER_NAME: "a", RUNNER_TEMP: "/a/_work/_temp" },
            { ...matrix, RUNNER_NAME: "b", RUNNER_TEMP: "/a/_work/_temp" },
            { ...matrix, RUNNER_NAME: "a", RUNNER_TEMP: "/b/_work/_temp" },
            { CIRCLE_WORKFLOW_JOB_ID: "1a", CIRCLE_NODE_INDEX: "0" },
            { CIRCLE_WORKFLOW_JOB_ID: "1a", CIRCLE_NODE_INDEX: "1" },
            { BUILDKITE_JOB_ID: "1b" },
            { BUILD_TAG: "jenkins-app-1", EXECUTOR_NUMBER: "0" },
            { BUILD_TAG: "jenkins-app-1", EXECUTOR_NUMBER: "1" },
            { BUILD_TAG: "jenkins-app-2", EXECUTOR_NUMBER: "0" },
            { BUILDX_CONFIG: bench().path("another-home") },
        ];
        for (const env of [...jobs, ...jobs]) {
            await done(env, "linux/arm64");
        }
        const callers = bench().lines("left");
        expect(new Set(callers).size).toBe(jobs.length);
        expect(callers.slice(jobs.length)).toEqual(callers.slice(0, jobs.length));
    });

    it("is one caller where a BUILD_TAG that is not Jenkins' changes from step to step", async () => {
        for (const tag of ["1.4", "1.5"]) {
            await done({ BUILD_TAG: tag, EXECUTOR_NUMBER: "0" }, "linux/arm64");
        }
        expect(new Set(bench().lines("left")).size).toBe(1);
    });

    it("is one caller though several connects begin at once", async () => {
        await Promise.all(Array.from({ length: 6 }, () => bench().connect({ args: ["linux/arm64"] })));
        expect(new Set(bench().lines("callers")).size).toBe(1);
    });
});
