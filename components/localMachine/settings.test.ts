import { knownPlatforms } from "../architecture";
import { mostRunners } from "../runner/runnerNames";
import { runnerPort } from "./settings";

test("every runner has a port of its own, which stays when others come", () => {
    expect(runnerPort(7443, "linux/amd64", 0)).toBe(7444);
    expect(runnerPort(7443, "linux/arm64", 0)).toBe(7445);
    expect(runnerPort(7443, "linux/arm64", 1)).toBe(7449);
    const all = knownPlatforms.flatMap((platform) =>
        Array.from({ length: mostRunners }, (_, at) => runnerPort(7443, platform, at)),
    );
    expect(new Set([7443, ...all]).size).toBe(all.length + 1);
});
