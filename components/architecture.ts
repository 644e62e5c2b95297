/** A platform as buildx writes it: operating system and CPU architecture. */
export type Platform = "linux/amd64" | "linux/arm64";

/** The facts about one CPU architecture. */
export interface Architecture {
    readonly platform: Platform;
    /** Ends per-platform tags (`1.0-arm64`), node names and file names; also Debian's and Go's name of the architecture. */
    readonly suffix: string;
    /** `process.arch` of a machine on which this platform is native. */
    readonly nodeArch: NodeJS.Architecture;
    /** Name of the emulator's registration below `/proc/sys/fs/binfmt_misc`, for machines on which it is foreign. */
    readonly binfmt: string;
    /** Other names of the architecture, as `uname -m`, Dockerfiles and registries have them. */
    readonly aliases: readonly string[];
    /** The variant that is meant where none is said, as in `linux/arm64/v8`. */
    readonly variant: string;
    readonly ec2: {
        /** Default instance type: the current generation that exists in most regions. 4 vCPU, 8 GiB. */
        readonly instanceType: string;
        /** Public SSM parameter that holds the newest Debian 13 image (https://wiki.debian.org/Cloud/AmazonEC2Image). */
        readonly amiParameter: string;
        /** SHA-256, in hex, of BuildKit's release archive, of the version in runner/ec2/ec2Bootstrap.ts. */
        readonly buildkitSha256: string;
        /** What its instance types look like. @default like those of no other architecture */
        readonly types?: RegExp;
    };
}

/** `c7g`, `m8gd`, `t4g`: a `g` after the generation is Graviton; so was the first, a1. */
const graviton = /^(a1|[a-z]+\d+g[a-z]*)(-[a-z]+)?\./;

/** THE table: to add an architecture, add its row (and its name to `Platform`). */
export const architectures: { readonly [P in Platform]: Architecture } = {
    "linux/amd64": {
        platform: "linux/amd64",
        suffix: "amd64",
        nodeArch: "x64",
        binfmt: "qemu-x86_64",
        aliases: ["x86_64", "x86-64"],
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
        variant: "v8",
        ec2: {
            instanceType: "c7g.xlarge",
            amiParameter: "/aws/service/debian/release/13/latest/arm64",
            buildkitSha256: "a4c9bef205f61c1e4253bdfd196e1db303aca25e8756105d75c6fddfbab7903f",
            types: graviton,
        },
    },
};

/** Every platform the table knows, in its order. */
export const knownPlatforms = Object.keys(architectures) as Platform[];

/** An architecture by any of its names. */
export function architectureOf(name: string): Architecture | undefined {
    return Object.values(architectures).find(({ suffix, aliases }) => suffix === name || aliases.includes(name));
}

/** The platform of EC2 instances of a type, as in `c7g.xlarge`. */
export function platformOfInstanceType(type: string): Platform {
    const named = knownPlatforms.find((platform) => architectures[platform].ec2.types?.test(type));
    return named ?? (knownPlatforms.find((platform) => !architectures[platform].ec2.types) as Platform);
}

/** What people read of all architectures, as in "`amd64` or `arm64`". */
export function eachArchitecture(say: (architecture: Architecture) => string, joint: string): string {
    return Object.values(architectures).map(say).join(joint);
}

export function isPlatform(name: string): name is Platform {
    return Object.hasOwn(architectures, name);
}
