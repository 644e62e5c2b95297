import { mockAws, settled } from "../../tests/helpers/awsMocks";
import { Ec2Runners } from "../runner/ec2/ec2Runners";

const owned = { "native-buildx": "native-buildx-prod" };

// By it leftovers are told from what others have.
test.each<{ [name: string]: string } | undefined>([undefined, { team: "a" }, { "native-buildx": "other" }])(
    "EC2 runners are the stack's by a tag, with a program's tags %j too",
    async (tags) => {
        const mocks = await mockAws();
        new Ec2Runners("runners", {
            allowedCidrs: [],
            openForCallerMinutes: 1,
            platforms: ["linux/arm64"],
            vpc: "new",
            tags,
        });
        await settled();
        const types = [
            "ec2/vpc:Vpc",
            "ec2/internetGateway:InternetGateway",
            "ebs/volume:Volume",
            "ec2/instance:Instance",
        ];
        for (const type of types) {
            expect(mocks.one(`aws:${type}`).inputs.tags).toMatchObject({ ...tags, ...owned });
        }
        expect(mocks.one("native-buildx:index:GroupLeftovers").inputs.tags).toEqual(owned);
    },
);
