import * as path from "node:path";
import { administratorPolicy } from "../../components/ci/administratorPolicy";
import { policiesOfAccount, replay, rolePolicies } from "../../packages/simulated-ec2";
import { cosignProgram } from "../ci/cosign";
import { leftOn } from "../ci/jobs";
import { gitlabTag, systems } from "../ci/systems";
import { describeUnless, missing } from "../helpers/needs";
import { CiFilesWorld } from "./ciFilesWorld";
import { rulesOf } from "./securityGroups";

jest.setTimeout(300_000);

// What people copy from examples/ci: the shell of these very files, each job in a HOME of its own, on one stack.
describeUnless(missing() ?? cosignProgram.missing())("CI files of examples/ci, on the simulated EC2", () => {
    let world: CiFilesWorld;

    beforeAll(async () => {
        world = CiFilesWorld.create();
        await world.start();
    }, 1_800_000);

    afterAll(() => world?.project.end());
    afterAll(() => world?.simulation.stop());

    // By the last step of each job, not by time.
    afterEach(async () => expect(await rulesOf(world.simulation, world.callersGroup)).toEqual([]));

    const both = <T>(of: T) => [of, of];
    const complete = {
        platforms: ["linux/amd64", "linux/arm64"],
        predicates: [
            ...both(expect.stringMatching(/^https:\/\/slsa\.dev\/provenance\//)),
            ...both("https://spdx.dev/Document"),
        ],
    };

    /** That the last job has signed this image, and then asked whose signature it has. */
    async function expectSigned(image: string, signer: string): Promise<void> {
        const signed = `${world.repositoryUrl}@${await world.crane("digest", image)}`;
        expect(world.cosign.calls.slice(-2)).toEqual([`sign --yes ${signed}`, `verify ${signer} ${signed}`]);
    }

    const all = Object.entries(systems);

    it.each(all)("%s.yml builds on both runners in one job, and signs", async (name, { signer }) => {
        const { image } = await world.run(`${name}.yml`);

        expect(await world.contentsOf(image)).toEqual(complete);
        await expectSigned(image, signer);
    });

    it.each(all)(
        "%s-split.yml builds each platform by itself, and joins what they pushed",
        async (name, { signer }) => {
            const { printed, image } = await world.run(`${name}-split.yml`);

            const [amd64 = "", arm64 = "", join = ""] = printed;
            expect(
                [amd64, arm64].map((text) =>
                    [...text.matchAll(/builder \S+ is ready: (.*)/g)].map(([, ready]) => ready),
                ),
            ).toEqual([["linux/amd64 only"], ["linux/arm64 only"]]);
            expect(join).not.toMatch(/is ready/);
            // Each pushed an index of its image and of what is attested of it.
            const pushed = [amd64, arm64].map(
                (text) => /exporting manifest list (sha256:[0-9a-f]{64})/.exec(text)?.[1] ?? "",
            );
            const parts = await Promise.all(pushed.map((digest) => world.manifest(`${world.repositoryUrl}@${digest}`)));
            const { manifests = [] } = await world.manifest(image);
            expect(manifests.map(({ digest }) => digest).sort()).toEqual(
                parts.flatMap((part) => (part.manifests ?? []).map(({ digest }) => digest)).sort(),
            );
            expect(await world.contentsOf(image)).toEqual(complete);
            await expectSigned(image, signer);
        },
    );

    it.each(["github-actions.yml", "gitlab-ci.yml", "buildkite-split.yml"])(
        "%s closes the port also when its build fails",
        async (file) => {
            const before = await world.project.countOf("ec2:AuthorizeSecurityGroupIngress");
            await expect(world.run(file, { files: "broken" })).rejects.toThrow('"/nothing": not found');
            expect(await world.project.countOf("ec2:AuthorizeSecurityGroupIngress")).toBeGreaterThan(before);
        },
    );

    it("keep a cache for each platform, from which the next jobs take their steps", async () => {
        await world.asAdministrator("prune", "--all", "--force");
        const { printed } = await world.run("gitlab-ci-split.yml");
        for (const text of printed.slice(0, 2)) {
            // Or its layer comes from the cache, for the scanner to read.
            expect(text).toMatch(/\] RUN \["\/step", "write".*\n#\d+ (CACHED|sha256:\w+ \d+B \/)/);
        }
    });

    it("keep the caches of different projects apart, in the one repository of the stack", async () => {
        const tags = (await world.crane("ls", world.repositoryUrl))
            .split("\n")
            .filter((tag) => tag.startsWith("cache"));
        const expected = all.flatMap(([, { projectId }]) => [`cache-${projectId}-amd64`, `cache-${projectId}-arm64`]);
        expect(tags.sort()).toEqual(expected.sort());
    });

    it.each([...Object.keys(systems), "github-actions-split"])(
        "%s.yml passes, and has signed, where the port could not be closed",
        async (name) => {
            const aws = [
                'case "$1 $2" in "ec2 delete-tags") echo "refused by a test" >&2; exit 254 ;; esac',
                `exec ${world.simulation.environment.SIM_CLIENTS}/aws "$@"`,
            ].join("\n");
            const { printed, image } = await world.run(`${name}.yml`, { aws });

            expect(printed.join()).toMatch(/the port could not be closed .*: refused by a test/);
            await expectSigned(image, (systems[name] ?? systems["github-actions"])?.signer ?? "");
            await world.closePort();
        },
    );

    it.each(["gitlab-ci.yml", "gitlab-ci-split.yml"])("%s signs what a tag is built to", async (file) => {
        const { image } = await world.run(file, gitlabTag);
        await expectSigned(image, gitlabTag.signer);
    });

    it.each(["circleci.yml", "gitlab-ci.yml", "buildkite.yml"])(
        "%s asks for the repository before it does anything: without it Docker Hub would get the password of ECR",
        async (file) => {
            const logins = () => world.project.countOf("sts:AssumeRoleWithWebIdentity");
            const before = await logins();
            const run = world.run(file, { variables: { REPOSITORY_URL: "" } });
            await expect(run).rejects.toThrow(/REPOSITORY_URL: set it to output repositoryUrl of the stack/);
            expect(await logins()).toBe(before);
        },
    );

    it.each(["gitlab-ci.yml", "gitlab-ci-split.yml"])("%s has no job for a merge request", async (file) => {
        expect((await world.run(file, { variables: { CI_COMMIT_BRANCH: "" } })).printed).toEqual([]);
    });

    it.each(["buildkite.yml", "buildkite-split.yml"])(
        "%s leaves no key, token or login for the machine's next job",
        async (file) => {
            const machine = path.join(world.project.folder, `machine-of-${path.parse(file).name}`);
            await world.run(file, { machine });
            await world.run(file, { machine });
            expect(leftOn(machine)).toEqual([]);
        },
    );

    it("fail where an image is not signed", async () => {
        // That of a platform alone: what was signed is the index.
        const digest = await world.crane(
            "digest",
            "--platform",
            "linux/arm64",
            `${world.repositoryUrl}:commit-of-circleci-tools`,
        );
        const verify = `sh -c '${world.cosign.program}' cosign verify ${world.repositoryUrl}@${digest}`;
        const { code, output } = await world.project.run("sh", ["-c", verify], { env: await world.login() });
        expect(output).toMatch(/no signatures found/);
        expect(code).not.toBe(0);
    });

    it("make no call that the role, or its trust in the jobs' tokens, does not allow", async () => {
        const { policiesOf, trustOf } = policiesOfAccount(await rolePolicies(world.simulation), [
            administratorPolicy(),
        ]);
        const calls = (await world.simulation.calls()).filter(
            ({ action, principal, resources }) =>
                (action.endsWith("WithWebIdentity") || principal.includes("/native-buildx-prod-ci/")) &&
                // A pull-through cache of the tests' own: the stack knows nothing of it.
                !resources.some((resource) => resource.includes("/docker-hub/")),
        );
        const { refused, actions } = replay(calls, policiesOf, trustOf);

        expect(refused).toEqual([]);
        expect(actions).toEqual(
            expect.arrayContaining([
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:RevokeSecurityGroupIngress",
                "ecr:PutImage",
                "ssm:GetParameter",
                "ssm:GetParameters",
                "sts:AssumeRoleWithWebIdentity",
            ]),
        );
    });
});
