import type { Schemas } from "./values";

/** A row of a table of kinds: of runners, of registries. */
export interface KindRow<S extends Schemas, Module> {
    /** Its meaning, for people who choose among the kinds. */
    meaning: string;
    /** The settings that only this kind has. */
    settings: S;
    /** Loads the kind's module when the kind is used: other stacks neither need nor wait for what it imports. */
    load(): Module;
}
