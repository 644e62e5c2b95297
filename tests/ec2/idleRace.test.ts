import { connect } from "node:net";
import { Simulation } from "../../packages/simulated-ec2";
import { describeHere } from "../helpers/needs";
import { type Arch, archs } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";

/**
 * Seconds without a build after which the runners are idle. A connect has to be quicker from an open
 * port to its proof, with what else runs on this machine: with 8, 1 of about 200 was not.
 */
const idle = 15;
/** Connections in all; `make soak` makes more. */
const connections = Number(process.env.SOAK_CONNECTIONS ?? 6);
/** Machines that have connected to both runners before. */
const homes = ["laptop", "ci"] as const;

jest.setTimeout(120_000 + connections * 30_000);

// The moment at which a runner stops by itself is the one in which a client could be lost.
describeHere("around the idle stop of a runner on the simulated EC2", () => {
    let simulation: Simulation;
    let project: Ec2Project;

    beforeAll(async () => {
        simulation = Simulation.start();
        project = Ec2Project.createIn(simulation, "race", { idleMinutes: idle / 60 });
        project.context("nothing", ["FROM scratch", "COPY Dockerfile /"]);
        await project.init();
        await project.succeed(project.up());
    }, 600_000);

    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

    it(`loses none of ${connections} connections at random moments, nor a build`, async () => {
        for (const arch of archs) {
            await Promise.all(homes.map((home) => project.connectAndBuild(home, arch)));
        }
        const found = { serving: 0, starting: 0, stopping: 0 };
        const lost: string[] = [];
        let begun = 0;
        const connectOnce = async (home: string, arch: Arch) => {
            try {
                const said = await project.connectAndBuild(home, arch);
                found[
                    said.includes("is stopping") ? "stopping" : said.includes("starting ") ? "starting" : "serving"
                ]++;
                const done = found.serving + found.starting + found.stopping;
                if (done % 20 === 0) {
                    process.stderr.write(`idle race: ${done} of ${connections}, ${JSON.stringify(found)}\n`);
                }
            } catch (error) {
                lost.push(`${new Date().toISOString()} ${home}, ${arch}: ${error}`);
                process.stderr.write(`idle race: LOST ${lost.at(-1)}\n`);
            }
        };
        // Around each runner's stop the machines come in turn, and every third time both at once.
        const around = async (arch: Arch) => {
            for (let turn = archs.indexOf(arch); begun < connections; turn++) {
                // The runner looks every three seconds, closes its port, waits for clients, powers off, is stopping.
                await pause(idle - 3 + Math.random() * 8);
                const clients = turn % 3 === 2 ? homes : [homes[turn % 2] as string];
                begun += clients.length;
                await Promise.all(clients.map((home) => connectOnce(home, arch)));
            }
        };
        await Promise.all(archs.map(around));
        process.stderr.write(
            `idle race: ${begun} connections, found the runner ${JSON.stringify(found)}, ${lost.length} lost\n`,
        );

        expect(lost).toEqual([]);
        expect(found.serving + found.starting + found.stopping).toBe(begun);
    });

    it("is not put off by a port scanner", async () => {
        await project.connectAndBuild("laptop", "amd64");
        const { PublicIpAddress: host = "" } = await project.instance("amd64");
        let ended = false;
        let knocks = 0;
        const scanner = (async () => {
            while (!ended) {
                const socket = connect({ host, port: 9753, timeout: 500 });
                socket.on("error", () => undefined).on("timeout", () => socket.destroy());
                // What a scanner says to see what answers.
                socket.on("connect", () => socket.end("GET / HTTP/1.0\r\n\r\n"));
                knocks++;
                await pause(0.2);
            }
        })();
        const stopped = await project.awaitState("amd64", "stopped");
        ended = true;
        await scanner;

        expect(stopped.StateReason?.Code).toBe("Client.InstanceInitiatedShutdown");
        expect(knocks).toBeGreaterThan(idle);
    });
});
