import {
    DeleteVolumeCommand,
    DescribeInstancesCommand,
    DescribeSecurityGroupsCommand,
    DescribeSubnetsCommand,
    DescribeVolumesCommand,
    DetachVolumeCommand,
    RevokeSecurityGroupIngressCommand,
    StopInstancesCommand,
    TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { DeleteParameterCommand } from "@aws-sdk/client-ssm";
import type { World } from "./world";

/** Does something to a stack that settles by itself with the next `up`. Resolves to what it was, in a few words. */
type Step = (world: World) => Promise<string>;

const both = ["linux/amd64", "linux/arm64"];
/** Types of the same architecture that may stand for each other. */
const types: { [platform: string]: string[] } = {
    "linux/amd64": ["c7i.xlarge", "c7i.large", "m7i.large"],
    "linux/arm64": ["c7g.xlarge", "c7g.large", "m7g.large"],
};

const someInstance = (world: World) => world.project.instanceId(world.random.pick(world.archs));

async function stopped(world: World): Promise<string> {
    const id = await someInstance(world);
    await world.simulation.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
    await world.simulation.awaitState(id, "stopped");
    return id;
}

/** Any change of a setting or an image that is quick to make: for the steps that interrupt its `up`. */
async function someChange(world: World): Promise<string> {
    return world.random.pick([editImage, addImage, removeImage, changeIdleMinutes, changePlatforms, changeVpc])(world);
}

async function editImage(world: World): Promise<string> {
    const image = world.random.pick(world.images);
    world.write(image);
    return `edit image ${image}`;
}

async function addImage(world: World): Promise<string> {
    const image = world.random.pick(["second", "third", "fourth"]);
    world.write(image);
    return `declare image ${image}`;
}

async function removeImage(world: World): Promise<string> {
    const image = world.random.pick(world.images);
    world.remove(image);
    if (world.images.length === 0) {
        world.write("first");
    }
    return `remove image ${image}`;
}

async function changePlatforms(world: World): Promise<string> {
    const platforms = world.random.pick([both, ["linux/amd64"], ["linux/arm64"]]);
    // A setting by platform may not name one that there is not.
    world.change({ platforms, fallbackInstanceTypes: {}, instanceTypes: {} });
    return `platforms ${platforms.join(" ")}`;
}

async function changeVpc(world: World): Promise<string> {
    const filter = { Name: "default-for-az", Values: ["true"] };
    const { Subnets = [] } = await world.simulation.ec2.send(new DescribeSubnetsCommand({ Filters: [filter] }));
    const ids = Subnets.map((subnet) => `${subnet.AvailabilityZone} ${subnet.SubnetId}`).sort();
    const at = world.random.between(0, ids.length + 1);
    const vpc = ["default", "new"][at] ?? ids[at - 2]?.split(" ")[1] ?? "default";
    world.change({ vpc });
    return `vpc ${vpc.startsWith("subnet") ? ids[at - 2] : vpc}`;
}

async function changeIdleMinutes(world: World): Promise<string> {
    const idleMinutes = world.random.between(10, 30);
    world.change({ idleMinutes });
    return `idleMinutes ${idleMinutes}`;
}

async function growCache(world: World): Promise<string> {
    const cacheGigabytes = world.settings.cacheGigabytes + 1;
    world.change({ cacheGigabytes });
    return `cacheGigabytes ${cacheGigabytes}`;
}

/** Refused; then what the message says, word for word. */
async function shrinkCache(world: World): Promise<string> {
    const before = world.settings.cacheGigabytes;
    const cacheGigabytes = before - 1;
    if (cacheGigabytes < 20) {
        return growCache(world);
    }
    world.change({ cacheGigabytes });
    const { code, output } = await world.project.up();
    const [, words] = /: pulumi up (--replace '[^']+')/.exec(output) ?? [];
    if (code === 0 || !words) {
        throw new Error(`a smaller cache was not refused with a remedy:\n${output}`);
    }
    const command = `pulumi up ${words} --yes --skip-preview --non-interactive --stack ${world.project.stack}`;
    await world.project.succeed(world.project.run("sh", ["-c", command]));
    return `cacheGigabytes ${before} -> ${cacheGigabytes}, by ${words}`;
}

async function changeType(world: World): Promise<string> {
    const platform = world.random.pick(world.settings.platforms);
    const type = world.random.pick(types[platform] ?? []);
    world.change({ instanceTypes: { [platform]: type }, fallbackInstanceTypes: {} });
    return `instanceTypes ${platform} ${type}`;
}

async function changeStandIn(world: World): Promise<string> {
    const platform = world.random.pick(world.settings.platforms);
    const own = world.settings.instanceTypes[platform] ?? types[platform]?.[0];
    const type = world.random.pick((types[platform] ?? []).filter((other) => other !== own));
    const isThere = world.settings.fallbackInstanceTypes[platform] !== undefined;
    world.change({ fallbackInstanceTypes: isThere ? {} : { [platform]: [type] } });
    return `fallbackInstanceTypes ${isThere ? "none" : `${platform} ${type}`}`;
}

async function changePort(world: World): Promise<string> {
    const buildkitPort = world.random.between(9000, 9999);
    world.change({ buildkitPort });
    return `buildkitPort ${buildkitPort}`;
}

async function changeCidrs(world: World): Promise<string> {
    const [own = ""] = world.settings.allowedCidrs;
    const other = `203.0.113.${world.random.between(0, 255)}/32`;
    world.change({ allowedCidrs: world.random.pick([[own], [own, other]]) });
    return `allowedCidrs ${world.settings.allowedCidrs.join(" ")}`;
}

async function changeCi(world: World): Promise<string> {
    const githubRepositories = world.random.pick([[], ["octo/app"], ["octo/app", "octo/web"]]);
    world.change({ githubRepositories });
    return `githubRepositories ${githubRepositories.join(" ") || "none"}`;
}

/** Off: an image that is removed leaves its repository. */
async function changeForceDelete(world: World): Promise<string> {
    const forceDelete = !world.settings.forceDelete;
    world.change({ forceDelete });
    return `forceDelete ${forceDelete}`;
}

/** An image that is removed and one that is declared, by one `up`. */
async function renameImage(world: World): Promise<string> {
    return `${await removeImage(world)}, ${await addImage(world)}`;
}

/** There, and back: this machine cannot reach a runner by its private address. */
async function changeAddress(world: World): Promise<string> {
    const { vpc } = world.settings;
    world.change({ usePrivateAddress: true, vpc: "default" });
    await world.project.succeed(world.project.up());
    world.change({ usePrivateAddress: false, vpc });
    return "usePrivateAddress true and false";
}

async function killUp(world: World): Promise<string> {
    const change = await someChange(world);
    const [calls, seconds] = [world.random.between(1, 12), world.random.between(4, 25)];
    const killed = await world.killedUp(calls, seconds);
    return `${change}, its up ${killed ? "killed" : "not killed"} after ${calls} calls or ${seconds} s`;
}

async function killFirstUp(world: World): Promise<string> {
    await world.destroy();
    const [calls, seconds] = [world.random.between(1, 25), world.random.between(4, 40)];
    const killed = await world.killedUp(calls, seconds);
    return `destroy, then a first up ${killed ? "killed" : "not killed"} after ${calls} calls or ${seconds} s`;
}

/** Steps after which a plain `up` is enough. */
export const steps: readonly Step[] = [
    editImage,
    addImage,
    removeImage,
    renameImage,
    changeForceDelete,
    changePlatforms,
    changeVpc,
    changeIdleMinutes,
    growCache,
    shrinkCache,
    changeType,
    changeStandIn,
    changePort,
    changeCidrs,
    changeCi,
    changeAddress,
    killUp,
    killUp,
    killFirstUp,
    async (world) => `stop ${await stopped(world)}`,
    async (world) => {
        const id = await someInstance(world);
        // Nobody may have woken it.
        if ((await world.simulation.describe(id)).State?.Name === "running") {
            await world.simulation.pullThePlug(id);
        }
        return `power cut of ${id}`;
    },
];

/** What somebody does by hand: `pulumi up --refresh` is what the documentation says of it. */
export const stepsByHand: readonly Step[] = [
    async (world) => {
        const id = await someInstance(world);
        await world.simulation.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
        await world.simulation.awaitState(id, "terminated");
        return `terminate ${id}`;
    },
    async (world) => {
        const id = await someInstance(world);
        const found = await world.simulation.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
        const GroupIds = [found.Reservations?.[0]?.Instances?.[0]?.SecurityGroups?.[0]?.GroupId ?? ""];
        const groups = await world.simulation.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds }));
        const IpPermissions = groups.SecurityGroups?.[0]?.IpPermissions;
        await world.simulation.ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: GroupIds[0], IpPermissions }));
        return `cut off: revoke the rules of ${GroupIds[0]}`;
    },
    async (world) => {
        const id = await stopped(world);
        const filter = { Name: "attachment.instance-id", Values: [id] };
        const cache = { Name: "tag:Name", Values: ["*-cache"] };
        const found = await world.simulation.ec2.send(new DescribeVolumesCommand({ Filters: [filter, cache] }));
        const VolumeId = found.Volumes?.[0]?.VolumeId ?? "";
        await world.simulation.ec2.send(new DetachVolumeCommand({ VolumeId }));
        await world.simulation.ec2.send(new DeleteVolumeCommand({ VolumeId }));
        return `delete cache volume ${VolumeId}`;
    },
    async (world) => {
        const [arch, parameters] = [world.random.pick(world.archs), await parametersOf(world)];
        const Name = parameters.find((name) => name.endsWith(`/${arch}/keys`)) ?? "";
        await world.simulation.ssm.send(new DeleteParameterCommand({ Name }));
        return `delete parameter ${Name}`;
    },
    async (world) => {
        const name = `native-buildx-${world.project.stack}/${world.random.pick(world.images)}`;
        await world.deleteRepository(name);
        return `delete repository ${name}`;
    },
];

async function parametersOf(world: World): Promise<string[]> {
    const account = await world.simulation.account();
    return account[`${world.simulation.environment.AWS_REGION} parameters`] ?? [];
}
