import { Workbench } from "../components/runner/ec2/machine/ec2Scripts";
import { RepositoryGuardResource } from "./repositoryGuard";

describe("the repository's guard", () => {
    const urnOf = (name: string) => `urn:pulumi:prod::p::native-buildx:index:ImageRepository::${name}`;
    const guard = {
        repositories: ["team/app"].map((repositoryName) => ({ repositoryName, urn: urnOf(repositoryName) })),
        registryId: "123456789012",
        region: "eu-central-1",
        profile: "",
        forceDelete: false,
    };
    const path = process.env.PATH;
    let bench: Workbench;
    beforeEach(() => {
        bench = new Workbench();
        process.env.PATH = `${bench.path("bin")}:${path}`;
    });
    afterEach(() => {
        process.env.PATH = path;
        bench.dispose();
    });

    const resource = new RepositoryGuardResource();
    const remove = (changes: Partial<typeof guard> = {}) => resource.delete({ ...guard, ...changes });

    it("stops a destroy while there are images, and says what to do", async () => {
        bench.stub("aws", "echo sha256:0123");
        await expect(remove()).rejects.toThrow(
            [
                "Repository team/app still holds images, and forceDelete is off. Nothing has been deleted. Delete it with the images:",
                "  aws ecr delete-repository --force --registry-id 123456789012 --region eu-central-1 --repository-name team/app",
                "or keep it, outside of this stack:",
                `  pulumi state delete --yes --target-dependents '${urnOf("team/app")}'`,
            ].join("\n"),
        );
        expect(bench.calls[0]).toContain("--registry-id 123456789012 --region eu-central-1 --repository-name team/app");
    });

    it("tells of all repositories with images at once, and of no others", async () => {
        bench.stub("aws", 'case " $* " in *" team/empty "*) echo None ;; *) echo sha256:0123 ;; esac');
        const names = ["team", "team/empty", "team/a", "team/b", "team/c"];
        const repositories = names.map((repositoryName) => ({ repositoryName, urn: urnOf(repositoryName) }));
        const { message } = await remove({ repositories }).then(
            () => new Error("it did not refuse"),
            (error: Error) => error,
        );
        expect(message).toContain("Repositories team, team/a, team/b, team/c still hold images");
        expect(message.match(/delete-repository --force/g)).toHaveLength(4);
        expect(message).not.toContain("team/empty");
        expect(bench.calls).toHaveLength(5);
    });

    it("lets an empty repository go, one that is gone, and one whose images may go", async () => {
        bench.stub("aws", "echo None");
        await expect(remove()).resolves.toBeUndefined();
        bench.stub("aws", "echo 'An error occurred (RepositoryNotFoundException)' >&2; exit 254");
        await expect(remove()).resolves.toBeUndefined();
        bench.stub("aws", "exit 1");
        await expect(remove({ forceDelete: true })).resolves.toBeUndefined();
    });

    it("does not guess when AWS cannot be asked", async () => {
        bench.stub("aws", "echo 'Unable to locate credentials' >&2; exit 255");
        await expect(remove()).rejects.toThrow(/Could not see.*Unable to locate credentials/);
    });

    it("is kept up to date", () => {
        expect(resource.changes(guard, guard)).toEqual([]);
        expect(resource.changes(guard, { ...guard, forceDelete: true })).toEqual(["forceDelete"]);
    });
});
