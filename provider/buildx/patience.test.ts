import { patiently, wantsLess } from "./patience";

test.each([
    ["failed to push host/app:1: toomanyrequests: Rate exceeded", true],
    ["unexpected status from PUT request to https://host/v2/app/manifests/1: 429 Too Many Requests", true],
    ["toomanyrequests: You have reached your pull rate limit.", false],
    ["failed to push host/app:1: denied: requested access to the resource is denied", false],
])("%s: is it worth a pause?", (said, expected) => {
    expect(wantsLess(said)).toBe(expected);
});

test("a pause ends with an abort, and nothing is run after it", async () => {
    // Of hours.
    const random = jest.spyOn(Math, "random").mockReturnValue(10_000);
    const abort = new AbortController();
    const run = jest.fn(async () => "refused");
    const isPassing = () => true;
    const end = patiently(run, { isPassing, onWait: () => setImmediate(() => abort.abort()), signal: abort.signal });
    expect(await end).toBe("refused");
    expect(run).toHaveBeenCalledTimes(1);
    random.mockRestore();
});
