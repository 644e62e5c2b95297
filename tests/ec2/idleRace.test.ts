import { connect } from "node:net";
import { Simulation } from "../../packages/simulated-ec2/simulation";
import { type Arch, archs, describeHere } from "../e2e/project";
import { Ec2Project } from "./ec2Project";

/** Seconds that the runners of these tests call a minute; they are idle after one. */
const idle = 8;
/** Connections in all, half of them to each runner; `make soak` makes more. */
const connections = Number(process.env.SOAK_CONNECTIONS ?? 6);

jest.setTimeout(120_000 + connections * 30_000);

// The moment at which a runner stops by itself is the one in which a client could be lost.
describeHere("around the idle stop of a runner on the simulated EC2", () => {
    let simulation: Simulation;
    let project: Ec2Project;

    beforeAll(async () => {
        simulation = Simulation.start();
        project = Ec2Project.createIn(simulation, "race", { idleMinutes: 1 }, idle);
        project.context("nothing", ["FROM scratch", "COPY Dockerfile /"]);
        await project.init();
        await project.succeed(project.up());
    }, 600_000);

    afterAll(async () => {
        await project?.end();
        simulation?.stop();
    });

    const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

    it(`loses none of ${connections} connections at random moments, nor a build`, async () => {
        const found: { [how: string]: number } = {};
        const client = async (arch: Arch) => {
            for (let connection = 0; connection < connections / archs.length; connection++) {
                const said = await project.connectAndBuild(`client-${arch}`, arch);
                const how = /(is stopping|starting) /.exec(said)?.[1] ?? "serving";
                found[how] = (found[how] ?? 0) + 1;
                // The runner looks every two seconds, closes its port, waits for clients, powers off, is stopping.
                await pause(idle - 3 + Math.random() * 8);
            }
        };
        await Promise.all(archs.map(client));
        process.stderr.write(`idle race: ${connections} connections, found the runner ${JSON.stringify(found)}\n`);
    });

    it("is not put off by a port scanner", async () => {
        await project.connectAndBuild("client-amd64", "amd64");
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
