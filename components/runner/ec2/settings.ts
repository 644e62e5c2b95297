import * as v from "valibot";
import { awsSettings } from "../../account/awsSettings";
import { ec2MachinesOf, knownPlatforms, machinePlatforms } from "../../architecture";
import { byPlatform, keysOf, listOf, mapOf } from "../../settings/collections";
import { choice, flag, minutes, optionalText, price, setting, text, wholeNumber } from "../../settings/kinds";
import { gp3 } from "./gp3";

const ec2 = "EC2 runners only.";

/** EC2 has no machines of these. */
const emulated = knownPlatforms.filter((platform) => !machinePlatforms.includes(platform));

/** The settings that only EC2 runners have. What their values mean is checked in mistakes.ts. */
export const ec2RunnerSettings = {
    allowedCidrs: setting(
        listOf("a list of address ranges", text("an address range, such as 203.0.113.7/32")),
        [],
        `${ec2} Address ranges that may connect to the runners, such as 203.0.113.7/32. Must be set, unless openForCallerMinutes is.`,
    ),
    openForCallerMinutes: setting(
        minutes(0, 24 * 60),
        0,
        `${ec2} Minutes for which \`connect\` lets the caller's own address in, unless \`connect --done\` ends that before. 0 for not at all.`,
    ),
    callerAddressUrl: setting(
        text("a URL"),
        "https://checkip.amazonaws.com",
        `${ec2} Where \`connect\` asks for the caller's own address; the answer is that address and nothing else.`,
    ),
    vpc: setting(
        text('"default", "new" or the id of a subnet'),
        "default",
        `${ec2} "default" for the region's default VPC, "new" for a VPC of their own, or the id of a subnet.`,
    ),
    usePrivateAddress: setting(
        flag(),
        false,
        `${ec2} Reach the runners by their private addresses, over a VPN or from inside the VPC.`,
    ),
    buildkitPort: setting(wholeNumber(1, 65_535), 9753, `${ec2} The port that BuildKit serves on.`),
    instanceTypes: setting(
        byPlatform("PLATFORM: instance type", text("an instance type"), machinePlatforms),
        {},
        `${ec2} Instance type by platform. Default ${machinePlatforms.map((platform) => `${ec2MachinesOf(platform).instanceType} for ${platform}`).join(" and ")}.`,
    ),
    fallbackInstanceTypes: setting(
        byPlatform(
            "PLATFORM: list of instance types",
            listOf("a list of instance types", text("an instance type")),
            machinePlatforms,
        ),
        {},
        `${ec2} List of instance types by platform, each a stopped stand-in for when EC2 has no capacity for the first.`,
    ),
    emulateOn: setting(
        byPlatform("PLATFORM: platform that emulates it", choice(...machinePlatforms)),
        {},
        `${ec2} Platform by platform, on whose runner it is emulated: ${emulated.join(" and ")} always, the others when EC2 has no capacity at all for them.`,
    ),
    cacheIops: setting(
        wholeNumber(gp3.iops.least, gp3.iops.most),
        gp3.iops.least,
        `${ec2} Operations of each cache volume in a second, and ${gp3.iops.perGigabyte} at most for each GiB of it.`,
    ),
    cacheThroughput: setting(
        wholeNumber(gp3.throughput.least, gp3.throughput.most),
        gp3.throughput.least,
        `${ec2} Throughput of each cache volume in MiB/s, and a quarter of cacheIops at most.`,
    ),
    buildkitVersion: setting(
        optionalText("the tag of a release, as in v0.32.0", /^v[0-9]+\.[0-9]+\.[0-9]+(-[\w.-]+)?$/),
        "",
        `${ec2} Version of BuildKit, as in v0.32.0, with buildkitSha256. Empty for the pinned version.`,
    ),
    buildkitUrl: setting(
        optionalText(
            "the address of an archive for each {arch}, as in https://mirror.example/buildkit-{version}.linux-{arch}.tar.gz",
            /^https?:\/\/[^\s'"]*\{arch\}[^\s'"]*$/,
        ),
        "",
        `${ec2} Address of BuildKit's release archive, for a company mirror, as in https://mirror.example/buildkit-{version}.linux-{arch}.tar.gz. Empty for its release page.`,
    ),
    buildkitSha256: setting(
        byPlatform("PLATFORM: SHA-256", text("a SHA-256"), machinePlatforms),
        {},
        `${ec2} SHA-256 of the archive by platform. Empty for those of the pinned version.`,
    ),
    ssmEndpoint: setting(
        optionalText("a URL"),
        "",
        `${ec2} Address of SSM for runners in a subnet with VPC endpoints. Empty for the region's public one.`,
    ),
    ec2Prices: setting(
        keysOf("date, instanceHour, volumeGigabyteMonth, volumeIopsMonth, volumeThroughputMonth, publicAddressHour", {
            date: v.optional(text("a month, as in 2026-11")),
            instanceHour: v.optional(mapOf("TYPE: price of an hour", price())),
            volumeGigabyteMonth: v.optional(price()),
            volumeIopsMonth: v.optional(price()),
            volumeThroughputMonth: v.optional(price()),
            publicAddressHour: v.optional(price()),
        }),
        {},
        `${ec2} Prices to reckon with where the built-in table has none or others, see docs/aws.md.`,
    ),
    ...awsSettings,
};
