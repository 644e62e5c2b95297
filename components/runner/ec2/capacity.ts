import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../../architecture";

/** What AWS says, among other words, where it has no machine of a type, or none for this account. */
const refusals = {
    capacity: /Insufficient(Instance|Host)?Capacity/,
    quota: /(Vcpu|Instance)LimitExceeded/,
};

/** An instance that is to be made. */
interface Wanted {
    type: string;
    platform: Platform;
    isStandIn: boolean;
}

/** For `hooks.onError` of an instance: says what to do where EC2 has no machine for it. AWS's own error names no setting. */
export function namesRemedy(name: string, wanted: Wanted): pulumi.ErrorHook {
    return new pulumi.ErrorHook(`capacity: ${name}`, async ({ errors }) => {
        const remedy = remedyFor(errors[0] ?? "", wanted);
        if (remedy) {
            await pulumi.log.error(`${name}: ${remedy}`);
        }
        return false;
    });
}

/** What to do after AWS's error; undefined where that is of something else. */
export function remedyFor(error: string, { type, platform, isStandIn }: Wanted): string | undefined {
    const later = "or run pulumi up again later";
    const ways = isStandIn
        ? `Name another type in fallbackInstanceTypes of ${platform}, or none, ${later}: a stand-in is started once when it is made`
        : `Name another type in instanceTypes of ${platform}, which takes the cache over, ${later}. Until then ${platform} has no machine of its own`;
    if (refusals.capacity.test(error)) {
        return `EC2 has no capacity for ${type} now. ${ways}`;
    }
    return refusals.quota.test(error)
        ? `the account's quota has no room for ${type}. Ask AWS for a larger one (docs/aws.md names it), or stop other instances. ${ways}`
        : undefined;
}
