import type { Schemas } from "./values";

/** A row of a table of kinds: of runners, of registries. */
export interface KindRow<S extends Schemas, Module> {
    /** What people read of it in a list of kinds. */
    meaning: string;
    /** The settings that only this kind has. */
    settings: S;
    /** Loaded when it is used: nobody else needs, or waits for, what it imports. */
    load(): Module;
}
