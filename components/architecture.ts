/** A platform as buildx writes it: operating system, CPU architecture, and the variant where several are in use. */
export type Platform = "linux/amd64" | "linux/arm64" | "linux/arm/v7" | "linux/riscv64";

/** The machines that EC2 has of an architecture. */
export interface Ec2Machines {
    /** Default instance type: the current generation that exists in most regions. 4 vCPU, 8 GiB. */
    readonly instanceType: string;
    /** Public SSM parameter that holds the newest Debian 13 image (https://wiki.debian.org/Cloud/AmazonEC2Image). */
    readonly amiParameter: string;
    /** SHA-256, in hex, of BuildKit's release archive, of the version in runner/ec2/ec2Bootstrap.ts. */
    readonly buildkitSha256: string;
    /** What its instance types look like. @default like those of no other architecture */
    readonly types?: RegExp;
}

/** The facts about one CPU architecture. */
export interface Architecture {
    readonly platform: Platform;
    /**
     * Ends per-platform tags (`1.0-arm64`) and file names, and names runners: the platform without its operating system,
     * with dashes, as buildx's and BuildKit's own releases name their files.
     */
    readonly suffix: string;
    /** `process.arch` of a machine on which this platform is native. */
    readonly nodeArch: NodeJS.Architecture;
    /**
     * Platform of 64-bit machines of which some run this platform's programs natively too: `setarch linux32` succeeds on
     * those. @default none
     */
    readonly thirtyTwoBitOf?: Platform;
    /** Name of the emulator's registration below `/proc/sys/fs/binfmt_misc`, for machines on which it is foreign. */
    readonly binfmt: string;
    /** Other names of the architecture, as `uname -m`, Dockerfiles and registries have them. */
    readonly aliases: readonly string[];
    /** Built where no platforms are named, with any runners. @default false */
    readonly isDefault?: true;
    /** The variant that is meant where none is said, as in `linux/arm64/v8`. @default there are none */
    readonly variant?: string;
    /** @default EC2 has none: its runners emulate the platform */
    readonly ec2?: Ec2Machines;
}

/** `c7g`, `m8gd`, `t4g`: a `g` after the generation is Graviton; so was the first, a1. */
const graviton = /^(a1|[a-z]+\d+g[a-z]*)(-[a-z]+)?\./;

/** THE table: to add an architecture, add its row (and its name to `Platform`). tools/setup.sh reads it line by line. */
export const architectures: { readonly [P in Platform]: Architecture } = {
    "linux/amd64": {
        platform: "linux/amd64",
        suffix: "amd64",
        nodeArch: "x64",
        binfmt: "qemu-x86_64",
        aliases: ["x86_64", "x86-64"],
        isDefault: true,
        variant: "v1",
        ec2: {
            instanceType: "c7i.xlarge",
            amiParameter: "/aws/service/debian/release/13/latest/amd64",
            buildkitSha256: "1fc78750d0c96bdc18799a3c0b551d6807bd4939e8cd79e357823e467451e16e",
        },
    },
    "linux/arm64": {
        platform: "linux/arm64",
        suffix: "arm64",
        nodeArch: "arm64",
        binfmt: "qemu-aarch64",
        aliases: ["aarch64"],
        isDefault: true,
        variant: "v8",
        ec2: {
            instanceType: "c7g.xlarge",
            amiParameter: "/aws/service/debian/release/13/latest/arm64",
            buildkitSha256: "a4c9bef205f61c1e4253bdfd196e1db303aca25e8756105d75c6fddfbab7903f",
            types: graviton,
        },
    },
    "linux/arm/v7": {
        platform: "linux/arm/v7",
        suffix: "arm-v7",
        nodeArch: "arm",
        thirtyTwoBitOf: "linux/arm64",
        binfmt: "qemu-arm",
        aliases: ["arm", "armhf", "armv7l"],
        variant: "v7",
    },
    "linux/riscv64": {
        platform: "linux/riscv64",
        suffix: "riscv64",
        nodeArch: "riscv64",
        binfmt: "qemu-riscv64",
        aliases: [],
    },
};

/** Every platform the table knows, in its order. */
export const knownPlatforms = Object.keys(architectures) as Platform[];

/** The machine that runs a platform's programs, as QEMU names it: `aarch64`, `x86_64`. */
export function machineOf(platform: Platform): string {
    return architectures[platform].binfmt.replace(/^qemu-/, "");
}

/** Those that are built where none is named. */
export const defaultPlatforms = knownPlatforms.filter((platform) => architectures[platform].isDefault);

/** Those that EC2 has machines of. */
export const machinePlatforms = knownPlatforms.filter((platform) => architectures[platform].ec2);

/** @throws Error if EC2 has none: see machinePlatforms */
export function ec2MachinesOf(platform: Platform): Ec2Machines {
    const { ec2 } = architectures[platform];
    if (!ec2) {
        throw new Error(`EC2 has no machines of ${platform}`);
    }
    return ec2;
}

/** An architecture by any of its names. */
export function architectureOf(name: string): Architecture | undefined {
    return Object.values(architectures).find(({ suffix, aliases }) => suffix === name || aliases.includes(name));
}

/** The platform of EC2 instances of a type, as in `c7g.xlarge`. */
export function platformOfInstanceType(type: string): Platform {
    const named = machinePlatforms.find((platform) => ec2MachinesOf(platform).types?.test(type));
    return named ?? (machinePlatforms.find((platform) => !ec2MachinesOf(platform).types) as Platform);
}

/** What people read of all architectures, as in "`amd64`, `arm64` or `riscv64`". */
export function anyArchitecture(say: (architecture: Architecture) => string): string {
    // Not Intl.ListFormat, which takes Node 11 ms to load, at every `up`.
    const said = Object.values(architectures).map(say);
    return `${said.slice(0, -1).join(", ")} or ${said.at(-1)}`;
}

export function isPlatform(name: string): name is Platform {
    return Object.hasOwn(architectures, name);
}
