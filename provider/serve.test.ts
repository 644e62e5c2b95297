import { specialSecretSig, specialSigKey, unknownValue } from "@pulumi/pulumi/runtime/rpc";
import { version } from "../package.json";
import { differences, type ResourceType, type Work } from "./resource";
import { ResourceProvider } from "./serve";
import type { Properties } from "./values";

const secret = (value: unknown) => ({ [specialSigKey]: specialSecretSig, value });
const urnOf = (type: string) => `urn:pulumi:dev::project::native-buildx:index:App$native-buildx:index:${type}::name`;

interface Thing {
    name: string;
    keys: { [name: string]: string };
    now?: string;
}

/** Records what it is given, and keeps `now` out of the state. */
class ThingResource implements ResourceType<Thing, Thing> {
    readonly replacedBy = ["name"];
    given: unknown[] = [];

    async check({ now, ...inputs }: Thing): Promise<Thing> {
        this.given.push(now);
        return inputs;
    }
    changes(olds: Thing, news: Thing): string[] {
        return differences(olds, news, ["name", "keys"]);
    }
    async create(inputs: Thing, work: Work): Promise<{ id: string; outputs: Thing }> {
        this.given.push(inputs);
        work.status("working");
        work.log("warning", "careful");
        return { id: "1", outputs: inputs };
    }
    async update(inputs: Thing, _work: Work, olds: Thing): Promise<Thing> {
        this.given.push(olds);
        return inputs;
    }
    async delete(outputs: Thing): Promise<void> {
        this.given.push(outputs);
    }
}

describe("the provider between the engine and its resources", () => {
    let thing: ThingResource;
    let said: unknown[][];
    let provider: ResourceProvider;
    beforeEach(() => {
        thing = new ThingResource();
        said = [];
        provider = new ResourceProvider({ Thing: thing }, {}, { log: (...words) => said.push(words) });
    });
    const urn = urnOf("Thing");
    const sent = { name: "n", keys: { a: secret("A"), b: "B" } };

    it("answers what a program calls, and says which functions there are", async () => {
        const functions = { twice: ({ word }: Properties) => ({ words: `${word} ${word}` }) };
        const called = new ResourceProvider({}, functions, { log: () => undefined });
        expect(await called.invoke("native-buildx:index:twice", { word: secret("hum") })).toEqual({
            outputs: { words: "hum hum" },
        });
        await expect(called.invoke("native-buildx:index:thrice", {})).rejects.toThrow(
            "native-buildx has no function thrice; it has twice",
        );
    });

    it("has the version of the npm package", () => {
        expect(provider.version).toBe(version);
    });

    it("gives resources plain values, and marks as secret what was one, as a whole", async () => {
        const { outs } = await provider.create(urn, sent);
        expect(thing.given).toEqual([{ name: "n", keys: { a: "A", b: "B" } }]);
        expect(outs).toEqual({ name: "n", keys: secret({ a: "A", b: "B" }) });
    });

    it("keeps out of the inputs what a check leaves out", async () => {
        const { inputs } = await provider.check(urn, {}, { ...sent, now: secret("moment") });
        expect(thing.given).toEqual(["moment"]);
        expect(inputs).toEqual({ name: "n", keys: secret({ a: "A", b: "B" }) });
    });

    it("tells changes, whatever the order of keys, and which of them make another resource", async () => {
        const diff = (olds: object, news: object) => provider.diff("1", urn, { ...olds }, { ...news });
        const same = { name: "n", keys: secret({ b: "B", a: "A" }) };
        expect(await diff(sent, same)).toMatchObject({ changes: false, replaces: [] });
        expect(await diff(sent, { ...same, keys: { a: "A" } })).toMatchObject({ changes: true, replaces: [] });
        expect(await diff(sent, { ...same, name: "m" })).toMatchObject({ changes: true, replaces: ["name"] });
        expect(await diff(sent, { ...same, keys: { a: unknownValue, b: "B" } })).toMatchObject({ changes: true });
    });

    it("updates with what there was at hand, and deletes", async () => {
        const { outs } = await provider.update("1", urn, sent, { name: "m", keys: {} });
        await provider.delete("1", urn, sent);
        expect(outs).toEqual({ name: "m", keys: {} });
        expect(thing.given).toEqual([
            { name: "n", keys: { a: "A", b: "B" } },
            { name: "n", keys: { a: "A", b: "B" } },
        ]);
    });

    it("believes the state of what cannot be looked at", async () => {
        expect(await provider.read("1", urn, sent)).toEqual({ id: "1", props: sent });
    });

    it("says things in the resource's row, and some that stay", async () => {
        await provider.create(urn, sent);
        expect(said).toEqual([
            ["info", "working", urn, true],
            ["warning", "careful", urn],
        ]);
    });

    it("hides secrets in what it says, and in errors; one may be a part of another", async () => {
        thing.create = async (_inputs: Thing, work: Work) => {
            work.status("puts key-long in");
            work.log("warning", "key-long, key-lon$& and 1");
            throw new Error("key-long is refused");
        };
        const keys = { a: secret("key-long"), b: secret("key-lon\n"), c: secret("1"), d: "puts" };
        await expect(provider.create(urn, { name: "n", keys })).rejects.toThrow(/^\[secret\] is refused$/);
        expect(said).toEqual([
            ["info", "puts [secret] in", urn, true],
            ["warning", "[secret], [secret]$& and 1", urn],
        ]);
    });

    it("knows its types by name, and no others", async () => {
        await expect(provider.create(urnOf("Nothing"), {})).rejects.toThrow(
            "native-buildx has no resource Nothing; it has Thing",
        );
    });
});
