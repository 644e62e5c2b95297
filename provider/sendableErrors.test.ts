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

    it.each(Object.keys(calls) as (keyof typeof calls)[])(
        "is an answer of %s with half a character in it",
        async (call) => {
            expect(await answer(call, "a \ud83d b")).toBe("a \ufffd b");
        },
    );
});
