// The library's public names. Those that need the AWS packages are in aws.ts.
export { knownPlatforms, type Platform } from "./architecture";
export { RemoteBuilder, type RemoteBuilderArgs } from "./builder/remoteBuilder";
export type { BuildInputs, BuildOptions } from "./image/buildInputs";
export { MultiPlatformImage, type MultiPlatformImageArgs } from "./image/multiPlatformImage";
export { GenericRegistry, type GenericRegistryArgs } from "./registry/generic/genericRegistry";
export { LocalRegistry, type LocalRegistryArgs } from "./registry/local/localRegistry";
export type { Registry } from "./registry/registry";
export { LocalRunners, type LocalRunnersArgs } from "./runner/local/localRunners";
export type { Runner } from "./runner/runner";
export type { Runners } from "./runner/runners";
