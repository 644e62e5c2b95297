// make bench: the example, built by `pulumi up` and by plain buildx on the same runners, side by side in one run.
import * as os from "node:os";
import * as path from "node:path";
import { Bench, type Part, parts } from "./bench";
import type { Account } from "./environment";
import { evaluate, textTable } from "./figures";
import { chosen, machine, numberOfRuns } from "./options";
import { writeResults } from "./results";
import { Sandbox } from "./sandbox";

const checkout = path.join(__dirname, "..");

function say(text: string): void {
    process.stderr.write(`bench: ${text}\n`);
}

/** A sandbox whose programs end when this one is told to. */
async function openSandbox(account?: Account): Promise<Sandbox> {
    const sandbox = await Sandbox.open(checkout, account);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        process.on(signal, () => {
            say("interrupted: ending and removing everything");
            sandbox.interrupt();
        });
    }
    return sandbox;
}

async function main(): Promise<void> {
    const runs = numberOfRuns(process.env.BENCH_RUNS ?? "2");
    const wantedParts = chosen("ONLY", process.env.ONLY, Object.keys(parts)) as Part[];
    say(`about ${wantedParts.reduce((minutes, part) => minutes + parts[part], 0)} minutes`);
    const sandbox = await openSandbox();
    try {
        await sandbox.makeStack();
        await sandbox.addExample();
        const images = await sandbox.declaredImages();
        const wanted = chosen("BENCH_IMAGES", process.env.BENCH_IMAGES, Object.keys(images));
        const bench = new Bench(sandbox, images, wanted, runs, say, openSandbox);
        say(`${wantedParts.join(", ")} of ${wanted.join(", ")} on ${machine()}`);
        const [load = 0] = os.loadavg();
        if (load > os.cpus().length / 4) {
            say(`the machine is busy (load ${load.toFixed(1)}): what else runs will be in the figures`);
        }
        const measured = () => ({
            machine: machine(),
            date: new Date().toISOString(),
            ...evaluate(bench.measured),
        });
        for (const part of wantedParts) {
            say(part);
            await bench.run(part);
            // After each part: where a later one fails, its figures are not lost.
            writeResults(path.join(checkout, "bench/results"), measured());
        }
        process.stdout.write(
            `\n${textTable(measured())}\nbench/results/latest.json and latest.svg have these figures.\n`,
        );
    } finally {
        say("removing everything");
        await sandbox.close();
    }
}

main().catch((error: Error) => {
    say(error.message);
    process.exitCode = 1;
});
