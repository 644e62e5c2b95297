import { readImages } from "./readImages";

const facts = { platforms: ["linux/amd64" as const], project: "/nowhere", buildSecrets: [] };

it("an image's flag is the same by a boolean and by its text, as pulumi config set may write it", () => {
    for (const value of [true, false]) {
        const { images } = readImages({ app: { context: "app", sbom: String(value) } }, facts);
        expect(images.app?.sbom).toBe(value);
    }
});
