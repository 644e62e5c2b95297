import { Workbench } from "../components/runner/ec2/machine/ec2Scripts";
import { RepositoryGuardResource } from "./repositoryGuard";
import type { Work } from "./resource";

describe("the repository's guard", () => {
    const guard = {
        repositoryName: "team/app",
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

    const repository = "urn:pulumi:prod::p::native-buildx:index:ImageRepository::repository-app";
    const urn = repository.replace("Repository::", "Repository$native-buildx:index:RepositoryGuard::");
    const resource = new RepositoryGuardResource();
    const remove = (changes: Partial<typeof guard> = {}) => resource.delete({ ...guard, ...changes }, { urn } as Work);

    it("stops a destroy while there are images, and says what to do", async () => {
        bench.stub("aws", "echo sha256:0123");
        await expect(remove()).rejects.toThrow(
            [
                "Repository team/app still holds images, and forceDelete is off. Nothing has been deleted that depends on it. Delete the repository and its images:",
                "  aws ecr delete-repository --force --registry-id 123456789012 --region eu-central-1 --repository-name team/app",
                "or keep it, outside of this stack:",
                `  pulumi state delete --yes --target-dependents '${repository}'`,
            ].join("\n"),
        );
        expect(bench.calls[0]).toContain("--registry-id 123456789012 --region eu-central-1 --repository-name team/app");
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
