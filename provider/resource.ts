import { isDeepStrictEqual } from "node:util";
import type { Hide } from "./hiddenSecrets";
import type { Severity } from "./process/engine";

/** What a resource has at hand while it works. */
export interface Work {
    /** Its unique name in the state. */
    urn: string;
    /** Aborted by Ctrl-C. */
    signal: AbortSignal;
    /** Shows a text in the resource's row. Without a terminal the engine prints every one as a line. */
    status(text: string): void;
    /** Says something that stays. */
    log(severity: Severity, text: string): void;
    /** Hides the secrets among the resource's inputs. What is shown, and all errors, go through it by themselves, but not before they are cut off. */
    hide: Hide;
}

/**
 * A type of resource of this provider: plain values in, plain values out. Secrets are unwrapped before and wrapped again
 * after, property by property (values.ts).
 */
export interface ResourceType<Inputs extends object, Outputs extends Inputs> {
    /**
     * Completes the inputs, in previews too. What it leaves out is in no state: a resource that needs a property only while
     * it works remembers it here.
     *
     * @param olds the checked inputs of the last time; empty if there was none
     * @throws Error with everything that is wrong, in words for the person who wrote it
     */
    check?(inputs: Inputs, work: Work, olds: Partial<Inputs>): Promise<Inputs>;
    /** Names of the changed properties that need an update. */
    changes(olds: Outputs, news: Inputs): string[];
    /** Names of the properties whose change makes it another resource. @default none */
    readonly replacedBy?: readonly string[];
    create(inputs: Inputs, work: Work): Promise<{ id: string; outputs: Outputs }>;
    update(inputs: Inputs, work: Work, olds: Outputs): Promise<Outputs>;
    /** A replacement is made before the old one is deleted. @default false */
    readonly createdFirst?: boolean;
    /** Looks at what there is now, in a refresh. Undefined: it is gone. @default the state is believed */
    read?(outputs: Outputs, work: Work): Promise<Outputs | undefined>;
    /** @default nothing is deleted */
    delete?(outputs: Outputs, work: Work): Promise<void>;
}

/** The names of those properties that differ, each compared as a whole. */
export function differences<T extends object>(olds: T, news: T, properties: readonly (keyof T & string)[]): string[] {
    // Whatever the order of an object's keys, which the engine does not keep.
    return properties.filter((property) => !isDeepStrictEqual(olds[property], news[property]));
}
