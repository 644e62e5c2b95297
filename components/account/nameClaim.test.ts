import { type AwsMocks, mockAws, settled } from "../../tests/helpers/awsMocks";
import { PulumiMocks } from "../../tests/helpers/pulumiMocks";
import { CiRole } from "../ci/ciRole";
import { ConnectParameters } from "../ci/connectParameters";
import { EcrRegistry } from "../registry/ecr/ecrRegistry";
import { Ec2Runners } from "../runner/ec2/ec2Runners";

const [claimType, ownerType] = ["native-buildx:index:NameClaim", "native-buildx:index:OwnerId"];

const components: { [what: string]: () => unknown } = {
    "EC2 runners": () =>
        new Ec2Runners("runners", {
            allowedCidrs: ["203.0.113.7/32"],
            platforms: ["linux/amd64", "linux/arm64"],
            vpc: "new",
            compileCluster: true,
        }),
    "an ECR registry": () => {
        const registry = new EcrRegistry("registry", { repositoryName: "demo" });
        registry.repositoryOf("app");
        registry.guard([]);
    },
    "the connect script for CI": () => new ConnectParameters("connect", { connect: "exit 0" }),
    "CI's role": () => new CiRole("ci", { githubRepositories: ["octo/app"], connectParameterArns: [] }),
};

describe("a stack's name at AWS", () => {
    let mocks: AwsMocks;
    let registered: PulumiMocks;
    beforeEach(async () => {
        mocks = await mockAws();
        registered = new PulumiMocks();
        registered.listen();
    });

    /** What is made in an account, by anybody's provider. */
    const made = () => registered.resources.filter(({ type }) => /^aws:|:EcrRepository$|:GroupLeftovers$/.test(type));

    it.each(Object.entries(components))("is claimed before anything of %s is made", async (_what, create) => {
        create();
        await settled();
        expect(made().length).toBeGreaterThan(1);
        const others = made().filter(({ dependencies }) => !dependencies.includes("name"));
        expect(others.map(({ type, name }) => `${type} ${name}`)).toEqual([]);
    });

    it("is claimed once, whatever the program has, by an id of its own", async () => {
        for (const create of Object.values(components)) {
            create();
        }
        await settled();
        expect(mocks.one(ownerType).name).toBe("owner");
        expect(mocks.one(claimType).inputs).toEqual({
            region: "eu-central-1",
            profile: "",
            stackName: "native-buildx-prod",
            owner: "owner-id",
            tags: { "native-buildx": "native-buildx-prod" },
        });
    });
});
