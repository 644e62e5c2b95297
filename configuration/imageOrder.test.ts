import * as path from "node:path";
import { defaultPlatforms } from "../components/architecture";
import { inBuildOrder } from "./images";
import { readImages } from "./readImages";

describe("the order of builds", () => {
    const order = (bases: { [name: string]: string[] }) =>
        inBuildOrder(Object.fromEntries(Object.entries(bases).map(([name, list]) => [name, { bases: list }])));

    it.each<[string, { [name: string]: string[] }, string[]]>([
        ["is the declared one where nothing depends", { c: [], a: [], b: [] }, ["c", "a", "b"]],
        ["has bases first", { app: ["base"], base: [] }, ["base", "app"]],
        ["has each once", { d: ["b", "c"], b: ["a"], c: ["a"], a: [] }, ["a", "b", "c", "d"]],
        ["is empty for no images", {}, []],
    ])("%s", (_what, bases, expected) => {
        expect(order(bases)).toEqual(expected);
    });
});

describe("images that need each other", () => {
    it.each<[string, { [name: string]: string[] }, string[]]>([
        ["of two", { a: ["b"], b: ["a"] }, ["a -> b -> a"]],
        ["of three, seen from outside", { x: ["a"], a: ["b"], b: ["c"], c: ["a"] }, ["a -> b -> c -> a"]],
        ["two of them", { a: ["a"], b: ["c"], c: ["b"] }, ["a -> a", "b -> c -> b"]],
    ])("a cycle %s", (_what, bases, cycles) => {
        const images = Object.fromEntries(
            Object.entries(bases).map(([name, list]) => [
                name,
                { context: ".", dockerfile: path.basename(__filename), bases: list },
            ]),
        );
        const facts = { platforms: defaultPlatforms, project: __dirname, buildSecrets: [] };
        expect(readImages(images, facts).mistakes).toEqual(
            cycles.map((cycle) => `images: a cycle of bases: ${cycle}; take one of them out`),
        );
    });
});
