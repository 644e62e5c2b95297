import { mockPulumi, settled } from "../../../tests/helpers/pulumiMocks";
import { kind } from "../local/kind";
import { LocalRunners } from "../local/localRunners";

describe("local runners", () => {
    const mistake =
        "compileCluster: local runners are in no compile cluster, EC2 runners may be; set it to false or remove it";

    it("are in no compile cluster, for a stack or for a program", async () => {
        await mockPulumi();
        expect(() => new LocalRunners("runners", { stackFolder: "demo", compileCluster: true })).toThrow(mistake);
        await settled();
        const settings = { platforms: [], runnersPerPlatform: 1, localPort: 0, compileCluster: true };
        expect(await kind.mistakes(settings as unknown as Parameters<typeof kind.mistakes>[0], "demo")).toEqual([
            mistake,
        ]);
    });
});
