import { Commands } from "./commands";

test("a program that is not there is an error, and nothing that a bench waits for at its end", async () => {
    const commands = new Commands();
    await expect(commands.run("/nowhere/program", [], { cwd: "/", environment: {} })).rejects.toThrow("ENOENT");
    await commands.ended();
});
