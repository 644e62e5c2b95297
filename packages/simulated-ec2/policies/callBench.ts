/** Calls as the simulation records them, for tests. */
import type { Call } from "../control";

export const account = "123456789012";
const administrator = `arn:aws:iam::${account}:user/administrator`;
export const arn = (service: string, resource: string) => `arn:aws:${service}:eu-central-1:${account}:${resource}`;
export const role = (name: string) => `arn:aws:iam::${account}:role/${name}`;
export const parameter = (name: string) => arn("ssm", `parameter/app/${name}`);

export function call(action: string, resources: string[], more: Partial<Call> = {}): Call {
    return { time: 1, principal: administrator, action, resources, region: "eu-central-1", status: 200, ...more };
}

export const run = call(
    "ec2:RunInstances",
    ["arn:aws:ec2:eu-central-1::image/ami-0a", arn("ec2", "security-group/sg-0a"), arn("ec2", "subnet/subnet-0a")],
    {
        passedRoles: [role("runner")],
        parameters: {
            "BlockDeviceMapping.1.Ebs.Encrypted": "true",
            "TagSpecification.1.ResourceType": "instance",
            "TagSpecification.1.Tag.1.Key": "app",
            "TagSpecification.1.Tag.1.Value": "prod",
            "TagSpecification.2.ResourceType": "volume",
            "TagSpecification.2.Tag.1.Key": "Name",
            "TagSpecification.2.Tag.1.Value": "prod-arm64",
        },
    },
);
