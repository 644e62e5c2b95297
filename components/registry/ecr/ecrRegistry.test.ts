import * as pulumi from "@pulumi/pulumi";
import { type AwsMocks, mockAws, resolved, settled } from "../../../tests/helpers/awsMocks";
import { EcrRegistry, type EcrRegistryArgs } from "./ecrRegistry";

const repositoryType = "native-buildx:index:EcrRepository";
const guardType = "native-buildx:index:RepositoryGuard";
const host = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

describe("EcrRegistry", () => {
    let mocks: AwsMocks;
    beforeEach(async () => {
        mocks = await mockAws();
    });
    afterEach(() => jest.restoreAllMocks());

    const make = (changes: Partial<EcrRegistryArgs> = {}) =>
        new EcrRegistry("registry", { repositoryName: "demo-prod", ...changes });

    it("has a repository for each image, below one for builds by hand, all alike", async () => {
        const registry = make({ immutableTags: true, tags: { team: "a" } });
        expect(await resolved(registry.url)).toBe(`${host}/demo-prod`);
        expect(await resolved(registry.repositoryOf("app"))).toBe(`${host}/demo-prod/app`);
        await settled();
        expect(mocks.of(repositoryType).map(({ name }) => name)).toEqual(["registry", "registry-app"]);
        for (const { inputs } of mocks.of(repositoryType)) {
            expect(inputs).toMatchObject({ immutableTags: true, tags: { team: "a" } });
        }
    });

    it("has arguments that no setting has, where these are transformed", async () => {
        const registry = make({
            transform: { repository: (args, { name }) => ({ ...args, scanOnPush: name !== "registry-app" }) },
        });
        registry.repositoryOf("app");
        await settled();
        expect(mocks.of(repositoryType).map(({ inputs }) => [inputs.repositoryName, inputs.scanOnPush])).toEqual([
            ["demo-prod", true],
            ["demo-prod/app", false],
        ]);
    });

    it("names its repositories for policies by what they begin with", async () => {
        const arn = await resolved(make().repositoryArns);
        expect(arn).toEqual([
            "arn:aws:ecr:eu-central-1:123456789012:repository/demo-prod",
            "arn:aws:ecr:eu-central-1:123456789012:repository/demo-prod/*",
        ]);
    });

    it("names for policies what it reads from, by the same names and not by longer ones", async () => {
        const registry = make({ readsFrom: ["demo-other", "demo-third"] });
        const base = ((await resolved(registry.repositoryArns))[0] ?? "").replace(/(?<=:repository\/).*/, "");
        expect(await resolved(registry.readableArns)).toEqual(
            ["demo-other", "demo-other/*", "demo-third", "demo-third/*"].map((name) => `${base}${name}`),
        );
        const others = registry.readableRepositoriesOf("app").map((name) => resolved(name));
        expect(await Promise.all(others)).toEqual([`${host}/demo-other/app`, `${host}/demo-third/app`]);
        expect(await resolved(make().readableArns)).toEqual([]);
        expect(make().readableRepositoriesOf("app")).toEqual([]);
    });

    it("tells how to log in by hand", async () => {
        expect(await resolved(make().loginCommand)).toBe(
            `aws ecr get-login-password --region eu-central-1 | docker login --username AWS --password-stdin ${host}`,
        );
    });

    describe("a login", () => {
        const asked = () => mocks.calls.filter(({ token }) => token.includes("getAuthorizationToken")).length;
        const images = Array.from({ length: 20 }, (_, at) => pulumi.output(at));

        it("is secret, and one for all images and indexes", async () => {
            const registry = make();
            const logins = images.flatMap((image) => [registry.login([]), registry.login([]), registry.login([image])]);
            for (const login of logins) {
                expect(await resolved(login)).toMatchObject({
                    address: host,
                    username: "AWS",
                    password: "ecr-password",
                });
            }
            expect(await pulumi.isSecret(logins[0] as pulumi.Output<unknown>)).toBe(true);
            expect(asked()).toBe(1);
        });

        it("is asked for when the bases are there", async () => {
            let build: (ref: string) => void = () => undefined;
            const base = new Promise<string>((resolve) => {
                build = resolve;
            });
            const registry = make();
            const login = registry.login([pulumi.output(base)]);
            await resolved(registry.url);
            expect(asked()).toBe(0);
            build("base@sha256:0123");
            await resolved(login);
            expect(asked()).toBe(1);
        });

        it("is asked for anew when half of its life is over", async () => {
            const registry = make();
            const start = Date.now();
            const clock = jest.spyOn(Date, "now");
            const hours = async (passed: number) => {
                clock.mockReturnValue(start + passed * 3600_000);
                await resolved(registry.login([]));
                return asked();
            };
            expect([await hours(0), await hours(5.9), await hours(6.1)]).toEqual([1, 1, 2]);
            expect([await hours(12), await hours(12.2)]).toEqual([2, 3]);
        });
    });

    it("has one guard for all repositories, that knows the account", async () => {
        const registry = make({ forceDelete: true });
        registry.repositoryOf("app");
        registry.guard([]);
        await settled();
        expect(mocks.one(guardType).inputs).toEqual({
            repositories: ["demo-prod", "demo-prod/app"],
            registryId: "123456789012",
            region: "eu-central-1",
            profile: "",
            forceDelete: true,
        });
    });
});
