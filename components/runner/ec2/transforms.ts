import type * as aws from "@pulumi/aws";
import type { Transform } from "../../transform";
import type { RunnerInfo } from "../runnerNames";

/**
 * Changes of a runner's resources. For what has a setting, such as `instanceTypes`, use the setting: the connect script and
 * the description depend on it. Keep the tags that the arguments have, and add your own: leftovers of a killed `up`, and the
 * zone of the cache volume, are found by them.
 */
export interface RunnerTransforms {
    /**
     * Each instance of a runner, also those of `fallbackInstanceTypes`. Another `ami` or `associatePublicIpAddress` is
     * ignored until the instance is replaced for another reason.
     */
    instance?: Transform<aws.ec2.InstanceArgs, RunnerInfo>;
    /** The cache volume of a runner. */
    volume?: Transform<aws.ebs.VolumeArgs, RunnerInfo>;
}

/** Changes of the resources of EC2 runners. */
export interface Ec2Transforms extends RunnerTransforms {
    /** The security group that all instances are in. Its rules are `ingress` and `egress`; keep `name`. */
    securityGroup?: Transform<aws.ec2.SecurityGroupArgs, { name: string }>;
}
