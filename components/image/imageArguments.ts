import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import type { RemoteBuilder } from "../builder/remoteBuilder";
import { argumentMistakes, given, givenFlag, givenRegistry, givenText, givenWord } from "../settings/arguments";
import { byPlatform, isObject, keysOf, listOf, mapOf } from "../settings/collections";
import type { MultiPlatformImageArgs } from "./multiPlatformImage";

const text = v.optional(givenText);
const texts = v.optional(listOf("a list of texts", givenText));
const flag = v.optional(givenFlag);
/** Values may be known later. */
const values = v.optional(mapOf("NAME: value", v.unknown()));
const known = given("a folder, a URL or another image", (value): value is unknown => !pulumi.Output.isInstance(value));

const buildInputs = {
    context: text,
    dockerfile: text,
    target: text,
    args: values,
    contexts: v.optional(mapOf("NAME: a folder, a URL or another image", known)),
};

/** The types of an image's arguments. What else they have to be is said by imageMistakes.ts. */
const schemas: { [name in keyof Required<MultiPlatformImageArgs>]: v.GenericSchema } = {
    builder: given("a RemoteBuilder", (value): value is RemoteBuilder => isObject(value) && "placeOf" in value),
    registry: givenRegistry,
    ...buildInputs,
    repository: text,
    platforms: texts,
    tags: texts,
    // No message shows what may be a secret.
    secrets: v.optional(v.pipe(v.custom<object>(isObject, "must be ID: value"), v.record(v.string(), v.unknown()))),
    cache: text,
    overrides: v.optional(
        byPlatform("PLATFORM: {context: FOLDER, ...}", keysOf("{context: FOLDER, ...}", buildInputs)),
    ),
    ssh: texts,
    labels: values,
    annotations: values,
    sourceLabels: flag,
    provenance: v.optional(givenWord<boolean | string>(true, false, "min", "max")),
    sbom: v.optional(
        given("true, false or a text", (value) => typeof value === "boolean" || typeof value === "string"),
    ),
    network: v.optional(givenWord("default", "none", "host")),
    shmSize: text,
    ulimits: texts,
    addHosts: texts,
    compileCluster: text,
    noCache: flag,
    // Handed on as it is.
    trigger: v.unknown(),
    cacheFrom: texts,
    cacheTo: texts,
    options: texts,
};

/** What is wrong with an image's arguments by their types alone, each a line. */
export function imageArgumentMistakes(args: MultiPlatformImageArgs): string[] {
    return argumentMistakes(schemas, args);
}
