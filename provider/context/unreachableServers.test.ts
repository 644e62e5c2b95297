import { type Unanswered, UnreachableServers } from "./unreachableServers";

const [late, closed] = [
    { reason: "no answer within 20 s", tooLate: true },
    { reason: "Failed to connect", unreachable: true },
];
const commit = { version: "1" };

/** Which of the questions to a server its answers are waited for. */
async function waitedFor(...answers: ({ version: string } | Unanswered)[]): Promise<boolean[]> {
    const servers = new UnreachableServers();
    servers.begin("app");
    const waited: boolean[] = [];
    for (const [at, answer] of answers.entries()) {
        waited[at] = false;
        const ask = async () => {
            waited[at] = true;
            return answer;
        };
        const given = await servers.ask(async () => "git https://host", ask);
        expect(given).toEqual(
            waited[at] ? answer : { ...given, reason: expect.stringContaining("asked for another before") },
        );
    }
    return waited;
}

test.each([
    ["cannot be reached is asked once", [closed, commit], [true, false]],
    ["is too late once is asked again", [late, commit, commit], [true, true, true]],
    ["is too late twice is asked no more", [late, late, commit], [true, true, false]],
    ["answers in between is reached", [late, commit, late, commit], [true, true, true, true]],
    ["refuses in between is reached", [late, { reason: "HTTP status 403" }, late, commit], [true, true, true, true]],
    ["is too late, and then cannot be reached, is asked no more", [late, closed, commit], [true, true, false]],
])("a server that %s", async (_what, answers, waited) => {
    expect(await waitedFor(...answers)).toEqual(waited);
});
