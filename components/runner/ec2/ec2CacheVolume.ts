import * as ebs from "@pulumi/aws/ebs";
import * as pulumi from "@pulumi/pulumi";
import { removesLeftovers } from "../../account/leftovers";
import { stackTags } from "../../account/stackTags";
import { shrinkRefusal } from "../shrinkRefusal";
import type { CacheVolumeSettings } from "./gp3";

export interface CacheVolumeArgs {
    /** The zones in which the runner can live, the preferred zone first. */
    zones: pulumi.Input<string[]>;
    /** Its size and speed. */
    volume: CacheVolumeSettings;
    /** ARN of a customer key. @default the account's AWS-managed key */
    kmsKeyArn?: string;
    /** Tells it from the volume of another state's stack of the same name. */
    securityGroupId: pulumi.Input<string>;
    /** @default none */
    tags?: { [name: string]: string };
    /** Changes the volume's arguments. @default none */
    transform?: (volume: ebs.VolumeArgs) => ebs.VolumeArgs;
}

/** The tag that says whose a volume is. */
export const ownerTag = "native-buildx:security-group";

/**
 * The volume of a runner's cache. It outlives the instance, and stays in its zone as long as the runner can live there:
 * another zone means another volume, and an empty cache.
 */
export class CacheVolume extends pulumi.ComponentResource {
    readonly volumeId: pulumi.Output<string>;
    readonly zone: pulumi.Output<string>;

    constructor(
        private readonly name: string,
        args: CacheVolumeArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("native-buildx:index:CacheVolume", name, {}, opts);
        this.zone = this.chooseZone(args);
        const volumeArgs: ebs.VolumeArgs = {
            availabilityZone: this.zone,
            size: args.volume.cacheGigabytes,
            type: "gp3",
            iops: args.volume.cacheIops,
            throughput: args.volume.cacheThroughput,
            encrypted: true,
            kmsKeyId: args.kmsKeyArn,
            tags: { ...args.tags, Name: name, [ownerTag]: args.securityGroupId },
        };
        const volume = new ebs.Volume(name, args.transform?.(volumeArgs) ?? volumeArgs, {
            parent: this,
            hooks: {
                beforeCreate: [removesOtherVolumes()],
                // In a preview too, before anything is changed.
                beforeUpdate: [new pulumi.ResourceHook(`shrink: ${name}`, refuseToShrink, { onDryRun: true })],
            },
        });
        this.volumeId = volume.id;
        this.registerOutputs({ volumeId: this.volumeId, zone: this.zone });
    }

    private chooseZone(args: CacheVolumeArgs): pulumi.Output<string> {
        return pulumi.all([args.zones, this.presentZones()]).apply(([zones, present]) => {
            const kept = zones.find((zone) => present.includes(zone));
            const [first = ""] = zones;
            if (kept === undefined && present.length > 0) {
                void pulumi.log.warn(
                    `${this.name}: the cache volume is in zone ${present.join(", ")}, and the runner cannot live there any more (vpc, instanceTypes). ` +
                        `A new volume, with an empty cache, takes its place in zone ${first}, and the old one is deleted`,
                    this,
                );
            }
            return kept ?? first;
        });
    }

    /** Where the volume is now: one zone, or none before the first `up`. Other tags may change, and it is the same volume. */
    private presentZones(): pulumi.Output<string[]> {
        const filters = Object.entries({ ...stackTags(), Name: this.name }).map(([tag, value]) => ({
            name: `tag:${tag}`,
            values: [value],
        }));
        return ebs
            .getEbsVolumesOutput({ filters }, { parent: this })
            .ids.apply((ids) =>
                pulumi.all(
                    ids.map((id) =>
                        ebs.getVolumeOutput({ filters: [{ name: "volume-id", values: [id] }] }, { parent: this }),
                    ),
                ),
            )
            .apply((volumes) => volumes.map(({ availabilityZone }) => availabilityZone));
    }
}

/** A volume that is attached is in somebody's state. */
const removesOtherVolumes = () =>
    removesLeftovers(["ec2", "describe-volumes", "--query", "Volumes[].VolumeId"], () => [["status", "available"]], [
        "ec2",
        "delete-volume",
        "--volume-id",
    ]);

/** EBS's own refusal names neither the setting nor a remedy. */
export function refuseToShrink({ name, oldInputs, newInputs }: pulumi.ResourceHookArgs): void {
    const [before, wanted] = [Number(oldInputs?.size), Number(newInputs?.size)];
    if (wanted < before) {
        const anew = "pulumi up --replace '**Volume::*-cache'";
        throw new Error(shrinkRefusal({ wanted, before, room: `volume ${name}`, maker: "EBS", anew }));
    }
}
