import { allShells, connectBenchForEach } from "./connectBench";

jest.setTimeout(120_000);

const runners = ["amd64", "arm64", "arm64_2"];

describe.each(allShells)("a builder with two runners of a platform, in %s", (name, shell) => {
    const { it, bench } = connectBenchForEach(name, shell);

    it("connects to one of each platform, the first where there is no name to go by", async () => {
        const { status, stderr } = await bench().connect({ runners });
        expect(stderr).toContain("builder demo-dev is ready: linux/amd64 linux/arm64 (arm64)\n");
        expect(status).toBe(0);
        expect(Object.keys(bench().nodesOf("demo-dev"))).toEqual(["demo-dev-amd64", "demo-dev-arm64"]);
    });

    it("gives the same name the same runner, and spreads names over both", async () => {
        const used = async (...args: string[]) => {
            await bench().connect({ runners, args: [...args, "linux/arm64"] });
            return Object.keys(bench().nodesOf("demo-dev")).filter((node) => node.includes("arm64"));
        };
        const jobs = ["web", "api", "db", "docs"];
        const first = [];
        for (const job of jobs) {
            const [node, ...others] = await used("--for", job);
            // A platform's node that was not asked for has left: buildx would take the first.
            expect(others).toEqual([]);
            first.push(node);
        }
        expect(new Set(first)).toEqual(new Set(["demo-dev-arm64", "demo-dev-arm64_2"]));
        expect(await used("--for", "web")).toEqual([first[0]]);
    });

    const usedBy = async (env: { [name: string]: string }) => {
        await bench().connect({ runners, args: ["linux/arm64"], env });
        return Object.keys(bench().nodesOf("demo-dev")).join();
    };
    // Of jobs and of repositories: what is made of the one has an even checksum, of the other an odd one.
    const names = ["web", "api"];

    it.each(["GITHUB_JOB", "CIRCLE_JOB", "CI_JOB_NAME", "BUILDKITE_STEP_KEY", "BUILDKITE_LABEL"])(
        "goes by the CI job's name, %s",
        async (variable) => {
            const nodes = new Set<string>();
            for (const name of names) {
                nodes.add(await usedBy({ [variable]: name }));
            }
            expect(nodes.size).toBe(2);
        },
    );

    it.each([
        ["GitHub", { GITHUB_JOB: "image" }, "GITHUB_REPOSITORY"],
        ["CircleCI", { CIRCLE_JOB: "image", CIRCLE_PROJECT_USERNAME: "acme" }, "CIRCLE_PROJECT_REPONAME"],
        [
            "CircleCI, for organizations",
            { CIRCLE_JOB: "image", CIRCLE_PROJECT_REPONAME: "app" },
            "CIRCLE_PROJECT_USERNAME",
        ],
        ["CircleCI, for GitLab", { CIRCLE_JOB: "image" }, "CIRCLE_PROJECT_ID"],
        ["GitLab", { CI_JOB_NAME: "image" }, "CI_PROJECT_PATH"],
        ["Buildkite", { BUILDKITE_STEP_KEY: "image", BUILDKITE_LABEL: ":docker: image" }, "BUILDKITE_PIPELINE_SLUG"],
        ["Buildkite, without a key", { BUILDKITE_LABEL: "image" }, "BUILDKITE_PIPELINE_SLUG"],
    ])("spreads jobs of one name over both by their repositories, in %s", async (_system, job, variable) => {
        const used = new Map<string, string>();
        for (const name of [...names, ...names]) {
            const node = await usedBy({ ...job, [variable]: name });
            expect(node).toBe(used.get(name) ?? node);
            used.set(name, node);
        }
        expect(new Set(used.values()).size).toBe(2);
    });

    it("goes by no repository where there is no job", async () => {
        for (const name of names) {
            expect(await usedBy({ GITHUB_REPOSITORY: name })).toBe("demo-dev-arm64");
        }
    });

    describe("with several runners of both platforms", () => {
        const runners = ["amd64", "amd64_2", "arm64", "arm64_2"];
        const both = ["amd64", "arm64"];
        // Their checksums are even and odd.
        const jobs = ["web", "api"];

        it("has a node of each platform at every moment while jobs take turns", async () => {
            await bench().connect({ runners });
            const [readings, nodes] = [new Set<string>(), new Set<string>()];
            const reading = setInterval(() => {
                readings.add(bench().architecturesOf("demo-dev").join());
                nodes.add(Object.keys(bench().nodesOf("demo-dev")).join());
            }, 1);
            try {
                for (const job of [...jobs, ...jobs, ...jobs]) {
                    expect(await bench().connect({ runners, args: ["--for", job] })).toMatchObject({ status: 0 });
                }
            } finally {
                clearInterval(reading);
            }
            expect(nodes).toContain("demo-dev-amd64,demo-dev-arm64");
            expect(nodes).toContain("demo-dev-amd64_2,demo-dev-arm64_2");
            expect([...readings]).toEqual([both.join()]);
        });

        it("has a node of each platform after eight jobs at once, and none of those fails", async () => {
            const results = await Promise.all(
                Array.from({ length: 8 }, (_, at) => bench().connect({ runners, args: ["--for", jobs[at % 2] ?? ""] })),
            );
            expect(results.filter(({ status }) => status !== 0)).toEqual([]);
            expect(bench().architecturesOf("demo-dev")).toEqual(both);
        });

        it("has the platform at the runner that is asked for, whichever was there by its name", async () => {
            await bench().connect({ runners, args: ["arm64", "amd64"] });
            await bench().connect({ runners, args: ["arm64_2"] });
            await bench().connect({ runners });
            expect(Object.keys(bench().nodesOf("demo-dev"))).toEqual(["demo-dev-amd64", "demo-dev-arm64"]);
            expect(bench().architecturesOf("demo-dev")).toEqual(both);
        });
    });

    it("connects to runners by their names, which then are in the builder side by side", async () => {
        const { stderr } = await bench().connect({ runners, args: ["arm64_2", "arm64"] });
        expect(stderr).toContain("builder demo-dev is ready: linux/arm64 (arm64_2) linux/arm64 (arm64) only\n");
        expect(Object.keys(bench().nodesOf("demo-dev")).sort()).toEqual(["demo-dev-arm64", "demo-dev-arm64_2"]);
        expect(Object.keys(bench().nodesOf("demo-dev-arm64_2"))).toEqual(["demo-dev-arm64_2"]);
    });

    it("says which there are when it is asked for another", async () => {
        const { status, stderr } = await bench().connect({ runners, args: ["riscv64"] });
        expect(status).toBe(1);
        expect(stderr).toBe(
            "connect: this stack has no runner for platform 'riscv64'; it has: linux/amd64 linux/arm64\n",
        );
    });
});
