import { Simulation } from "../../packages/simulated-ec2";
import { unchanged } from "../e2e/project";
import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(900_000);

// forceDelete is off, as it is unless somebody sets it: no repository with images is deleted unless somebody asks for it.
describeHere("repositories on the simulated EC2 whose images come and go", () => {
    let simulation: Simulation;
    let project: Ec2Project;
    let emptyAccount: { [kind: string]: string[] };
    const text: { [image: string]: string } = {};
    const common = "native-buildx-repositories";

    beforeAll(async () => {
        simulation = Simulation.start();
        emptyAccount = await simulation.account();
        const settings = { platforms: ["linux/amd64"], idleMinutes: 15 };
        project = Ec2Project.createIn(simulation, "repositories", settings);
        await project.init();
    }, 600_000);

    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    function declare(...images: string[]): void {
        for (const image of images) {
            text[image] ??= `text of ${image}`;
            project.context(image, [...fromStep, writes(text[image])]);
        }
        project.configure({ images: Object.fromEntries(images.map((image) => [image, { context: image }])) });
    }

    /** An `up`, the images that it has to leave, and another that has nothing to do. Resolves to what the first said. */
    async function upWith(...images: string[]): Promise<string> {
        declare(...images);
        const { output } = await project.succeed(project.up());
        expect(Object.keys((await project.outputs()).images)).toEqual([...images].sort());
        for (const image of images) {
            expect(await project.fileIn(image, "amd64", "result")).toBe(text[image]);
        }
        expect((await project.succeed(project.up())).output).toMatch(unchanged);
        return output;
    }

    async function repositories(): Promise<string[]> {
        const { [`${simulation.environment.AWS_REGION} repositories`]: found = [] } = await simulation.account();
        return found.map((name) => name.replace(`${common}/`, "")).sort();
    }

    /** The commands that a message shows, each in its own words. */
    const commandsIn = (output: string) => [
        ...new Set([...output.matchAll(/(?:^ +|: )((?:aws|pulumi) [^\n]*)/gm)].map(([, words = ""]) => words)),
    ];

    const typed = (command = "nothing to type; false") => project.succeed(project.run("sh", ["-c", command]));

    it("keeps the repository of an image that was renamed, says so, and does everything else", async () => {
        await upWith("app", "old");
        project.configure({ idleMinutes: 16 });
        const output = await upWith("app", "new");

        expect(output).toMatch(/Repository native-buildx-repositories\/old still holds images, so it is kept/);
        expect(await repositories()).toEqual(["app", common, "new", "old"].sort());
        expect((await project.outputs()).runners.amd64?.idleMinutes).toBe(16);
    });

    it("takes it over when the image comes back", async () => {
        await upWith("app", "new", "old");
    });

    it("deletes it by the command that was said, and makes it anew", async () => {
        const output = await upWith("app", "new");
        const commands = commandsIn(output).filter((command) => command.startsWith("aws "));
        expect(commands).toHaveLength(1);
        await typed(commands[0]);
        expect(await repositories()).toEqual(["app", common, "new"].sort());

        await upWith("app", "new", "old");
    });

    it("pushes the images anew into a repository that somebody deleted by hand", async () => {
        await typed(`aws ecr delete-repository --force --repository-name ${common}/app`);
        await project.succeed(project.pulumi("up", "--refresh", "--yes", "--skip-preview"));
        expect(await project.fileIn("app", "amd64", "result")).toBe(text.app);
        expect((await project.succeed(project.up())).output).toMatch(unchanged);
    });

    it("takes no repository over that is not this stack's, and says how to give it to the stack", async () => {
        await typed(`aws ecr create-repository --repository-name ${common}/foreign`);
        declare("app", "new", "old", "foreign");
        const { code, output } = await project.up();
        expect(code).not.toBe(0);
        expect(output).toMatch(/Repository native-buildx-repositories\/foreign exists, and is not this stack's/);

        await typed(commandsIn(output)[0]);
        await upWith("app", "new", "old", "foreign");
    });

    it("are not taken over by a stack whose name differs in capitals only: it is refused, and its destroy deletes nothing", async () => {
        const before = await simulation.account();
        const settings = { platforms: ["linux/amd64"], forceDelete: true, immutableTags: true, images: {} };
        const other = Ec2Project.createIn(simulation, "Repositories", settings);
        try {
            await other.init();
            const { code, output } = await other.up();
            expect(code).not.toBe(0);
            expect(output).toContain("The name native-buildx-repositories is another stack's in eu-central-1");
            expect(output).toContain("pulumi stack rename NAME");
            expect(output).not.toMatch(/AlreadyExists/);
            await other.succeed(other.pulumi("destroy", "--yes", "--skip-preview"));
        } finally {
            await other.end();
        }
        expect(await simulation.account()).toEqual(before);
        const { output } = await project.succeed(project.pulumi("up", "--refresh", "--yes", "--skip-preview"));
        expect(output).toMatch(unchanged);
    });

    it("destroys nothing while repositories hold images, and then what is to be destroyed, word for word", async () => {
        const before = await simulation.account();
        const destroy = () => project.pulumi("destroy", "--yes", "--skip-preview");
        const first = await destroy();
        expect(first.code).not.toBe(0);
        expect(await simulation.account()).toEqual(before);

        const commands = commandsIn(first.output);
        const deletions = commands.filter((command) =>
            /^aws .* --repository-name [^ ]*(new|foreign)( |$)/.test(command),
        );
        expect(deletions).toHaveLength(2);
        for (const deletion of deletions) {
            await typed(deletion);
        }
        const second = await destroy();
        expect(second.output).toMatch(/Repositories native-buildx-repositories\/app, .*\/old still hold images/);
        expect(await simulation.account()).toEqual({ ...before, ...(await repositoriesAlone()) });

        const keep = commandsIn(second.output).filter((command) => command.startsWith("pulumi "));
        expect(keep).toHaveLength(1);
        await typed(`${keep[0]} --stack ${project.stack}`);
        const last = await project.succeed(destroy());
        expect(await simulation.account()).toEqual({ ...emptyAccount, ...(await repositoriesAlone()) });
        expect(await repositories()).toEqual(["app", "old"]);

        const kept = commandsIn(last.output).filter((command) => command.startsWith("aws "));
        expect(kept).toHaveLength(2);
        for (const deletion of kept) {
            await typed(deletion);
        }
        expect(await simulation.account()).toEqual(emptyAccount);
    });

    async function repositoriesAlone(): Promise<{ [kind: string]: string[] }> {
        const kind = `${simulation.environment.AWS_REGION} repositories`;
        return { [kind]: (await simulation.account())[kind] ?? [] };
    }
});
