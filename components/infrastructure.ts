import type { Registry } from "./registry/registry";
import type { Runner } from "./runner/runner";

/** What a kind of runner brings along: everything below the builder and the images. */
export interface Infrastructure {
    /** One for each platform of the configuration. */
    runners: Runner[];
    registry: Registry;
}
