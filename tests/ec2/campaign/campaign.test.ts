import { Simulation } from "../../../packages/simulated-ec2";
import { describeHere } from "../../helpers/needs";
import { Random } from "./random";
import { steps, stepsByHand } from "./steps";
import { World } from "./world";

/** `make campaign` says how many. `make test` makes the first of one seed: about two minutes on a machine of its own. */
const stepCount = Number(process.env.CAMPAIGN_STEPS ?? 2);
const seed = Number(process.env.CAMPAIGN_SEED ?? 1);

jest.setTimeout(600_000 + stepCount * 600_000);

/** One step in so many is something that somebody does by hand. */
const byHand = 5;

// Any order of what a user does to a stack, and of what happens to it. The seed repeats the choices.
describeHere(`a campaign of ${stepCount} steps on the simulated EC2`, () => {
    let simulation: Simulation;
    let world: World;
    let emptyAccount: { [kind: string]: string[] };

    beforeAll(async () => {
        simulation = Simulation.start();
        emptyAccount = await simulation.account();
        world = new World(simulation, new Random(seed));
        await world.project.init();
        process.stderr.write(`campaign: CAMPAIGN_SEED=${seed} CAMPAIGN_STEPS=${stepCount} repeats it\n`);
    }, 600_000);

    afterAll(async () => {
        await world?.project.end();
        simulation?.stop();
    });

    it("is right after every step, and leaves the account as it was", async () => {
        await world.settle();
        for (let number = 1; number <= stepCount; number++) {
            const isByHand = world.random.between(1, byHand) === 1;
            const step = world.random.pick(isByHand ? stepsByHand : steps);
            const start = Date.now();
            const said = await step(world);
            process.stderr.write(`campaign: step ${number}, ${said}\n`);
            await world.settle(...(isByHand ? ["--refresh"] : []));
            process.stderr.write(
                `campaign: step ${number} is right after ${Math.round((Date.now() - start) / 1000)} s\n`,
            );
        }
        await world.destroy();
        await world.deleteReleased();
        expect(await simulation.account()).toEqual(emptyAccount);
    });
});
