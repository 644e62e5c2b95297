import type { RemoteBuilderArgs } from "./remoteBuilder";

/** A build of a few steps keeps a core busy, and small runners have four. */
export const defaultBuildsPerRunner = 4;

/** What is wrong with a builder's arguments, each a line: the setting, what is wrong, the remedy. */
export function builderMistakes(args: RemoteBuilderArgs): string[] {
    const { builder, buildsPerRunner = defaultBuildsPerRunner } = args;
    const instead = `ci-${builder.replace(/[^A-Za-z0-9._-]/g, "-")}`;
    return [
        ...(/^[A-Za-z][A-Za-z0-9._-]*$/.test(builder)
            ? []
            : [
                  `builder: "${builder}" is no name of a builder; buildx takes letters, digits, ".", "_" and "-", and a letter first, as in "${instead}"`,
              ]),
        ...(Number.isInteger(buildsPerRunner) && buildsPerRunner > 0
            ? []
            : [`buildsPerRunner: must be a whole number from 1, not ${buildsPerRunner}`]),
        ...trustMistakes(args),
    ];
}

/** Runners of this machine that could not push to its registry: nobody but them knows its authority. */
function trustMistakes({ runners, registry }: RemoteBuilderArgs): string[] {
    const trust = registry?.trust;
    const distrust = runners.filter(
        ({ trusts }) =>
            trust && trusts?.every((one) => one.host !== trust.host || one.certificateFile !== trust.certificateFile),
    );
    return distrust.length === 0
        ? []
        : [
              `runners: ${distrust.map(({ runnerName }) => runnerName).join(", ")} would not trust registry ${trust?.host}; ` +
                  "give LocalRunners trust: registry.trust, of the registry that this builder has",
          ];
}
