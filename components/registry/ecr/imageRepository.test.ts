import { type AwsMocks, mockAws, resolved, settled } from "../../../tests/helpers/awsMocks";
import { ImageRepository, imageRepositoryProblems, lifecycleRules } from "./imageRepository";

const type = "native-buildx:index:EcrRepository";

describe("ImageRepository", () => {
    let mocks: AwsMocks;
    beforeEach(async () => {
        mocks = await mockAws();
    });

    it("scans on push, lets tags move, and does not delete images unasked", async () => {
        const repository = new ImageRepository("app", { repositoryName: "team/app" });
        expect(await resolved(repository.url)).toBe("123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/app");
        await settled();
        expect(mocks.one(type).inputs).toMatchObject({
            repositoryName: "team/app",
            forceDelete: false,
            scanOnPush: true,
            immutableTags: false,
            movingTags: [],
            lifecyclePolicy: { rules: lifecycleRules({}) },
        });
    });

    it("lets caches and moving tags move even where tags are immutable", async () => {
        new ImageRepository("app", { repositoryName: "app", immutableTags: true, movingTags: ["edge"] });
        await settled();
        expect(mocks.one(type).inputs).toMatchObject({
            immutableTags: true,
            movingTags: ["cache-*", "edge"],
        });
    });

    it("says by a tag whose it is, beside tags of the program too: so it is taken over, and no other stack's", async () => {
        new ImageRepository("app", { repositoryName: "app" });
        new ImageRepository("tagged", { repositoryName: "tagged", tags: { team: "web", "native-buildx": "other" } });
        await settled();
        const owned = { "native-buildx": "native-buildx-prod" };
        expect(mocks.one(type, "app").inputs.tags).toEqual(owned);
        expect(mocks.one(type, "tagged").inputs.tags).toEqual({ team: "web", ...owned });
    });

    it("reports wrong names before anything is made", () => {
        expect(() => new ImageRepository("app", { repositoryName: "Team/App", untaggedDays: 1 })).toThrow(
            /repositoryName "Team\/App".*\n.*untaggedDays 1/,
        );
    });
});

describe("lifecycleRules", () => {
    it("expire untagged images and caches so many days after their push, and no other tagged image", () => {
        const sincePush = { countType: "sinceImagePushed", countUnit: "days" };
        expect(lifecycleRules({ untaggedDays: 60, cacheDays: 14 })).toEqual([
            expect.objectContaining({
                selection: { tagStatus: "tagged", tagPrefixList: ["cache-"], ...sincePush, countNumber: 14 },
            }),
            expect.objectContaining({ selection: { tagStatus: "untagged", ...sincePush, countNumber: 60 } }),
        ]);
    });
});

describe("imageRepositoryProblems", () => {
    it.each(["app", "team/app", "team/app.web_2-x"])("takes %s", (repositoryName) => {
        expect(imageRepositoryProblems({ repositoryName })).toEqual([]);
    });

    it.each(["App", "/app", "app/", "a", "team//app", "app--", "ä/b"])("refuses %s", (repositoryName) => {
        expect(imageRepositoryProblems({ repositoryName })).toHaveLength(1);
    });

    it.each([
        [{ untaggedDays: 6 }, "untaggedDays 6"],
        [{ cacheDays: 0 }, "cacheDays 0"],
        [{ cacheTagPrefix: "-x" }, 'cacheTagPrefix "-x"'],
        [{ movingTags: ["a b"] }, 'movingTags "a b"'],
        [{ movingTags: ["a", "b", "c", "d", "e"] }, "name four at most"],
    ])("refuses %j", (settings, reason) => {
        expect(imageRepositoryProblems({ repositoryName: "app", ...settings })).toEqual([
            expect.stringContaining(reason),
        ]);
    });
});
