import * as pulumi from "@pulumi/pulumi";
import { mockAws } from "../../../tests/helpers/awsMocks";
import { namesRemedy, remedyFor } from "./capacity";

const own = { type: "c7g.xlarge", platform: "linux/arm64", isStandIn: false } as const;
const standIn = { ...own, type: "m7g.xlarge", isStandIn: true };

test.each([
    [
        "InsufficientInstanceCapacity",
        own,
        /^EC2 has no capacity for c7g\.xlarge now\. Name .* instanceTypes of linux\/arm64,/,
    ],
    [
        "InsufficientInstanceCapacity",
        standIn,
        /m7g\.xlarge now\. Name another type in fallbackInstanceTypes of .*, or none/,
    ],
    ["InsufficientHostCapacity", own, /no capacity/],
    [
        "VcpuLimitExceeded",
        own,
        /quota has no room for c7g\.xlarge\. .* instanceTypes of linux\/arm64,.* pulumi up again later/,
    ],
    ["InstanceLimitExceeded", own, /quota/],
    ["InsufficientFreeAddressesInSubnet", own, undefined],
    ["UnauthorizedOperation", own, undefined],
])("after AWS's %s the remedy is named, where the type is one", (code, wanted, remedy) => {
    const said = remedyFor(`operation error EC2: RunInstances, https response error: api error ${code}: no`, wanted);
    expect(said).toEqual(remedy && expect.stringMatching(remedy));
});

test("an instance that EC2 has no machine for is not tried again, and the remedy is said once", async () => {
    await mockAws();
    const error = jest.spyOn(pulumi.log, "error").mockResolvedValue();
    const hook = namesRemedy("runner", own);
    const failed = { urn: "", id: "", name: "", type: "", failedOperation: "create" };
    expect(await hook.callback({ ...failed, errors: ["InsufficientInstanceCapacity", "other"] })).toBe(false);
    expect(await hook.callback({ ...failed, errors: ["other", "InsufficientInstanceCapacity"] })).toBe(false);
    expect(error.mock.calls).toEqual([[expect.stringMatching(/^runner: EC2 has no capacity for c7g\.xlarge/)]]);
    error.mockRestore();
});
