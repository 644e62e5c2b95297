import { knownPlatforms } from "../components/architecture";
import { runnerName } from "../components/runner/runnerNames";

const firstRunners = knownPlatforms.map((platform) => runnerName(platform));
const runnersBuilder = new RegExp(`^(.+)-((?:${firstRunners.join("|")})(?:_\\d+)?)$`);

/**
 * What is wrong with a stack's name, as lines. Each runner of a stack has a builder of its own, named after stack and
 * runner: on a machine that connects to both, builds of the one stack would go to the runners of the other.
 */
export function stackNameMistakes(stackName: string): string[] {
    const [, other, runner] = runnersBuilder.exec(stackName) ?? [];
    return runner
        ? [
              `the stack's name: builder ${stackName} would be the builder of runner ${runner} of stack ${other}, too; ` +
                  `choose a name that does not end in -${runner}`,
          ]
        : [];
}
