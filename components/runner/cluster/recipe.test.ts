import { clusterRecipe } from "./recipe";

describe("the recipe of a compile cluster's node", () => {
    const recipe = clusterRecipe();

    it("has every file that its C includes, and that its shell reads", () => {
        const needed = Object.values(recipe).flatMap((text) => [
            ...[...text.matchAll(/^#include "(.*)"/gm)].map(([, name]) => name),
            ...[...text.matchAll(/"\$(?:here|emulation)"?\/([\w.]+\.(?:sh|c|h|tsv))"?/g)].map(([, name]) => name),
        ]);
        expect(needed).toEqual(expect.arrayContaining(["cluster.h", "identity.h", "archives.sh"]));
        expect(Object.keys(recipe)).toEqual(expect.arrayContaining([...new Set(needed)]));
    });

    it("has the node itself, and no words that only people read", () => {
        expect(Object.keys(recipe)).toEqual(expect.arrayContaining(["cluster.sh", "makeCluster.sh", "twins.tsv"]));
        expect(Object.values(recipe).join("")).not.toMatch(/^\s*# /m);
    });
});
