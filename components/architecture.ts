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
    readonly ec2: {
        /** Default instance type: the current generation that exists in most regions. 4 vCPU, 8 GiB. */
        readonly instanceType: string;
        /** Public SSM parameter that holds the newest Debian 13 image (https://wiki.debian.org/Cloud/AmazonEC2Image). */
        readonly amiParameter: string;
    };
}

/** THE table: to add an architecture, add its row (and its name to `Platform`). */
export const architectures: { readonly [P in Platform]: Architecture } = {
    "linux/amd64": {
        platform: "linux/amd64",
        suffix: "amd64",
        nodeArch: "x64",
        binfmt: "qemu-x86_64",
        ec2: { instanceType: "c7i.xlarge", amiParameter: "/aws/service/debian/release/13/latest/amd64" },
    },
    "linux/arm64": {
        platform: "linux/arm64",
        suffix: "arm64",
        nodeArch: "arm64",
        binfmt: "qemu-aarch64",
        ec2: { instanceType: "c7g.xlarge", amiParameter: "/aws/service/debian/release/13/latest/arm64" },
    },
};

/** Every platform the table knows, in its order. */
export const knownPlatforms = Object.keys(architectures) as Platform[];

export function isPlatform(name: string): name is Platform {
    return Object.hasOwn(architectures, name);
}
