import { row } from "../../components/runner/kind";
import { daemonSettings } from "./settings";

/**
 * A kind of runners of the tests alone: bare BuildKit daemons. It proves that a kind is a folder, this one, and a row,
 * this one: `Object.assign(runnerKinds, { daemon: daemonRow })`.
 */
export const daemonRow = row({
    meaning: "bare daemons of a test",
    settings: daemonSettings,
    areOnThisMachine: true,
    registry: "local",
    load: () => (require("./kind") as typeof import("./kind")).kind,
});
