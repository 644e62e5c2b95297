import { administratorPolicy } from "../../components/ci/administratorPolicy";
import { policiesOfAccount, replay, rolePolicies, Simulation } from "../../packages/simulated-ec2";
import { unchanged } from "../e2e/project";
import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(300_000);

// Where it is built and where it is pushed are two questions: here runners of this machine, and a registry at AWS.
describeHere("local runners, and the ECR of a simulated account", () => {
    let simulation: Simulation;
    let project: Ec2Project;
    let emptyAccount: { [kind: string]: string[] };

    beforeAll(async () => {
        simulation = Simulation.start();
        emptyAccount = await simulation.account();
        const settings = { runners: "local", localPort: 26_010, registry: "ecr", forceDelete: false };
        const images = { base: { context: "base" }, app: { context: "app", bases: ["base"], tags: ["1.0", "latest"] } };
        project = Ec2Project.createIn(simulation, "both", { ...settings, images });
        project.context("base", [...fromStep, 'RUN ["/step", "write", "/base", "of the base"]']);
        project.context("app", ["FROM base", writes("of the app")]);
        await project.init();
    }, 600_000);
    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    const logins = () => project.countOf("ecr:GetAuthorizationToken");

    it("have all images pushed with one login", async () => {
        await project.succeed(project.up());
        expect(await logins()).toBe(1);
        const { ref } = (await project.outputs()).images.app ?? {};
        expect(ref).toContain(`${simulation.environment.SIM_REGISTRY}/native-buildx-both/app:1.0@sha256:`);
        expect(await project.platformsOf("app")).toEqual(["linux/amd64", "linux/arm64"]);
        expect(await project.fileIn("app", "arm64", "base")).toBe("of the base");
        expect(await project.fileIn("app", "arm64", "result")).toBe("of the app");
    });

    it("ask for one login in an unchanged up, which changes nothing", async () => {
        const before = await logins();
        const { output } = await project.succeed(project.up());
        expect(output).toMatch(unchanged);
        expect(await logins()).toBe(before + 1);
    });

    it("are not destroyed while repositories hold images, all of which are named at once", async () => {
        const before = await simulation.account();
        const { code, output } = await project.pulumi("destroy", "--yes", "--skip-preview");
        expect(code).not.toBe(0);
        expect(output).toContain(
            "Repositories native-buildx-both/base, native-buildx-both/app still hold images, and forceDelete is off. " +
                "Nothing has been deleted.",
        );
        expect(output.match(/aws ecr delete-repository --force/g)).toHaveLength(2);
        expect(await simulation.account()).toEqual(before);
        expect(await project.pulumi("stack", "output", "connect")).toMatchObject({ code: 0 });

        project.configure({ forceDelete: true });
        await project.succeed(project.up());
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        expect(await simulation.account()).toEqual(emptyAccount);
    });

    it("take no call that docs/aws-permissions.json does not allow", async () => {
        const { policiesOf, trustOf } = policiesOfAccount(await rolePolicies(simulation), [administratorPolicy()]);
        const calls = (await simulation.calls()).filter(({ action }) => action !== "iam:ListRoles");
        expect(replay(calls, policiesOf, trustOf).refused).toEqual([]);
    });
});
