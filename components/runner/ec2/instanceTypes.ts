import { ec2MachinesOf, type Platform, platformOfInstanceType } from "../../architecture";

/**
 * Types that are older than Nitro, whose EBS volumes are no NVMe devices: their `EbsInfo.NvmeSupport` is not `required` in
 * what EC2's DescribeInstanceTypes says, or in the list of those that it no longer knows.
 */
const beforeNitro = /^(t[12]|c[134]|m[1-4]|r[34]|i2|i3(?!\.metal)|d2|h1|x1e?|p[23]|g2|g3s?|f1)\./;

/** Apple's machines, which boot macOS and nothing else. */
const apple = /^mac[\d-]/;

/**
 * What is wrong with the type of a machine that has a cache volume, each a line: the setting, what is wrong, the remedy.
 *
 * @param setting as the lines name it
 */
export function instanceTypeProblems(setting: string, type: string, platform: Platform): string[] {
    const problems = standInTypeProblems(setting, type, platform);
    return problems.length === 0 && beforeNitro.test(type)
        ? [
              `${setting} "${type}": is not built on the Nitro system, where a runner finds its cache volume. ${another(platform)}`,
          ]
        : problems;
}

/** The same of a machine whose cache is on its root volume. */
export function standInTypeProblems(setting: string, type: string, platform: Platform): string[] {
    if (!/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/.test(type)) {
        return [`${setting} "${type}": an instance type is written as in ${ec2MachinesOf(platform).instanceType}`];
    }
    if (apple.test(type)) {
        return [`${setting} "${type}": runs macOS only. ${another(platform)}`];
    }
    const actual = platformOfInstanceType(type);
    return actual === platform ? [] : [`${setting} "${type}": its processors are ${actual}. ${another(platform)}`];
}

function another(platform: Platform): string {
    return `Choose a type like ${ec2MachinesOf(platform).instanceType}`;
}
