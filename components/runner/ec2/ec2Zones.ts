import * as ec2 from "@pulumi/aws/ec2";
import * as pulumi from "@pulumi/pulumi";
import type { Network } from "./network";

/** The network's zones where EC2 offers the type: not every zone has every type. */
export function zonesFor(instanceType: string, network: Network, parent: pulumi.Resource): pulumi.Output<string[]> {
    const offered = ec2.getInstanceTypeOfferingsOutput(
        { locationType: "availability-zone", filters: [{ name: "instance-type", values: [instanceType] }] },
        { parent },
    ).locations;
    return pulumi.all([network.zones, offered]).apply(([zones, offering]) => {
        const possible = zones.filter((zone) => offering.includes(zone));
        if (possible.length === 0) {
            throw new pulumi.RunError(noZone(instanceType, zones, offering));
        }
        return possible;
    });
}

/** In another zone than the runner's, if there is one: a lack of capacity is a zone's. */
export function standInSubnet(
    instanceType: string,
    runnerZone: pulumi.Output<string>,
    network: Network,
    parent: pulumi.Resource,
): pulumi.Output<string> {
    const zone = pulumi
        .all([zonesFor(instanceType, network, parent), runnerZone])
        .apply(([zones, taken]) => zones.find((other) => other !== taken) ?? taken);
    return network.subnetIn(zone);
}

function noZone(instanceType: string, zones: string[], offered: string[]): string {
    return (
        `instanceType ${instanceType} is not offered in the network's zones (${zones.join(", ")}); EC2 has it in: ` +
        `${offered.join(", ") || "no zone of this region"}. Choose another type, another subnet or another region`
    );
}
