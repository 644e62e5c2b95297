import { ec2RunnerProblems } from "./ec2RunnerSettings";
import { type Ec2RunnersValues, networkArgs, runnerArgs } from "./ec2Runners";
import { networkProblems } from "./network";

/** Everything that is wrong with the settings of EC2 runners, each as one line: setting, mistake, remedy. */
export function ec2Mistakes(values: Ec2RunnersValues): string[] {
    const { platforms, emulateOn } = values;
    return [
        ...networkProblems(networkArgs(values)),
        ...platforms.flatMap((platform) => ec2RunnerProblems(runnerArgs(values, { runner: "", platform }))),
        ...platforms.flatMap((platform) => {
            const other = emulateOn[platform];
            return other && !platforms.includes(other)
                ? [`emulateOn of ${platform}: there is no runner for ${other}; add it to platforms or name another`]
                : [];
        }),
    ];
}
