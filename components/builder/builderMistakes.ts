import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import type { Runner } from "../runner/runner";
import { given, givenRegistry, givenText } from "../settings/arguments";
import { isObject, listOf } from "../settings/collections";
import { twice } from "../settings/mistakes";
import type { RemoteBuilderArgs } from "./remoteBuilder";

/** A build of a few steps keeps a core busy, and small runners have four. */
export const defaultBuildsPerRunner = 4;

const runner = given("a runner", (value): value is Runner => isObject(value) && "runnerName" in value);

/** The types of a builder's arguments. */
export const builderArguments: { [name in keyof Required<RemoteBuilderArgs>]: v.GenericSchema } = {
    builder: givenText,
    runners: listOf("a list of runners, as in new LocalRunners(...).runners", runner),
    registry: v.optional(givenRegistry),
    buildsPerRunner: v.optional(given("a whole number from 1", (value) => typeof value === "number")),
};

/** What is wrong with a builder's arguments, each a line: the setting, what is wrong, the remedy. */
export function builderMistakes(name: string, args: RemoteBuilderArgs): string[] {
    const { builder, buildsPerRunner = defaultBuildsPerRunner } = args;
    const instead = `ci-${builder.replace(/[^A-Za-z0-9._-]/g, "-")}`;
    return [
        ...(/^[A-Za-z][A-Za-z0-9._-]*$/.test(builder)
            ? []
            : [
                  `builder: "${builder}" is no name of a builder; buildx takes letters, digits, ".", "_" and "-", and a letter first, as in "${instead}"`,
              ]),
        ...twinMistakes(name, builder),
        ...(Number.isInteger(buildsPerRunner) && buildsPerRunner > 0
            ? []
            : [`buildsPerRunner: must be a whole number from 1, not ${buildsPerRunner}`]),
        ...runnerMistakes(args),
        ...trustMistakes(args),
    ];
}

function runnerMistakes({ runners }: RemoteBuilderArgs): string[] {
    return runners.length === 0
        ? ["runners: must be at least one; give it the runners of LocalRunners, Ec2Runners or KubernetesRunners"]
        : twice(runners.map(({ runnerName }) => runnerName)).map((mistake) => `runners: ${mistake}`);
}

/** Of each run of a program by a builder's name, as buildx keeps it, the RemoteBuilder that has it. */
const taken = new WeakMap<object, Map<string, string>>();
const noRun = {};

/** On a machine that connects to both, one would take the other's place. The name is its own from then on. */
function twinMistakes(name: string, builder: string): string[] {
    const run = pulumi.runtime.getMonitor() ?? noRun;
    const owners = taken.get(run) ?? new Map<string, string>();
    taken.set(run, owners);
    const owner = owners.get(builder.toLowerCase()) ?? name;
    owners.set(builder.toLowerCase(), owner);
    return owner === name ? [] : [`builder: "${builder}" is RemoteBuilder ${owner}'s already; choose another name`];
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
