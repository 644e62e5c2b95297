import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import * as path from "node:path";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as requests from "@pulumi/pulumi/proto/provider_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

// The SDK's own copy of gRPC: its client refuses the credentials of another copy.
const grpc = createRequire(require.resolve("@pulumi/pulumi"))("@grpc/grpc-js") as typeof import("@grpc/grpc-js");

const urn = "urn:pulumi:dev::project::native-buildx:index:Failing::name";

/** Calls of the engine's, each with properties that it is to fail with. */
const calls = {
    check: (properties: Struct) => new requests.CheckRequest().setUrn(urn).setNews(properties).setOlds(properties),
    diff: (properties: Struct) => new requests.DiffRequest().setUrn(urn).setNews(properties).setOlds(properties),
    create: (properties: Struct) => new requests.CreateRequest().setUrn(urn).setProperties(properties),
    update: (properties: Struct) => new requests.UpdateRequest().setUrn(urn).setNews(properties).setOlds(properties),
    read: (properties: Struct) => new requests.ReadRequest().setUrn(urn).setProperties(properties),
    delete: (properties: Struct) => new requests.DeleteRequest().setUrn(urn).setProperties(properties),
    invoke: (properties: Struct) => new requests.InvokeRequest().setTok("native-buildx:index:fail").setArgs(properties),
};

describe("an error over the wire to the engine", () => {
    let provider: ChildProcess;
    let client: ResourceProviderClient;
    beforeAll(async () => {
        const words = ["--import=tsx", path.join(__dirname, "standInServe.ts"), "127.0.0.1:1"];
        provider = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
        const port = await new Promise((resolve) => provider.stdout?.once("data", resolve));
        client = new ResourceProviderClient(`127.0.0.1:${`${port}`.trim()}`, grpc.credentials.createInsecure());
    });
    afterAll(() => {
        client.close();
        provider.kill("SIGKILL");
    });

    /** What the engine reads of a call that fails with a text. */
    function answer(call: keyof typeof calls, text: string): Promise<string> {
        const request = calls[call](Struct.fromJavaScript({ text: JSON.stringify(text) }));
        const send = client[call].bind(client) as (...words: unknown[]) => void;
        return new Promise((resolve) =>
            send(request, new grpc.Metadata(), { deadline: Date.now() + 10_000 }, (error: { details: string }) =>
                resolve(error?.details ?? "success"),
            ),
        );
    }

    const all = Object.keys(calls) as (keyof typeof calls)[];
    it.each(all)("is an answer of %s with half a character in it", async (call) => {
        expect(await answer(call, "a \ud83d b")).toBe("a \ufffd b");
    });

    it.each(all)("is an answer of %s without its middle where it is too long", async (call) => {
        const [head, ...more] = (await answer(call, `begins ${"x".repeat(200_000)} ends`)).split("\n");
        expect(head).toMatch(/^begins x{14900,}$/);
        expect(more).toEqual([
            expect.stringMatching(/^\.\.\. \(1700\d\d characters of this message are left out\) \.\.\.$/),
            expect.stringMatching(/^x{14900,} ends$/),
        ]);
    });

    it.each([
        ["of another language", "\u65e5", 9],
        ["of empty lines", "\n", 3],
        ["of faces", "\u{1f600}", 12],
    ])("is cut off by what is sent of it, also one %s", async (_what, character, bytes) => {
        const count = 2 * Math.floor(15_000 / bytes);
        expect(await answer("create", character.repeat(count))).toBe(character.repeat(count));
        const leftOut = `\n... (${2 * count} characters of this message are left out) ...\n`;
        const half = character.repeat(count / 2);
        expect(await answer("create", character.repeat(3 * count))).toBe(half + leftOut + half);
    });
});
