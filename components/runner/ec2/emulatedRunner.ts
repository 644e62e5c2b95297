import type { ConnectNode, Runner } from "../runner";
import { type RunnerInfo, serverNameOf } from "../runnerNames";
import type { Ec2Runner } from "./ec2Runner";

/**
 * The runner of a platform that EC2 has no machines of: another platform's, which emulates it. It has nothing in AWS for
 * itself: to wake it is to wake the other, and its builds are paid for as time of the other.
 *
 * @param on has this runner's name in its `emulates`
 */
export function emulatedRunner({ runner, platform }: RunnerInfo, on: Ec2Runner): Runner {
    return {
        runnerName: runner,
        platform,
        resource: on,
        wakeScripts: on.wakeScripts,
        hereScript: on.hereScript,
        description: on.description.apply((machine) => ({ ...machine, platform })),
        node: on.node.apply(
            (node): ConnectNode => ({
                ...node,
                platform,
                serverName: serverNameOf(runner),
                // What emulates the other does not have this name in its certificate.
                variables: { ...node.variables, emulate_on: "" },
            }),
        ),
    };
}
