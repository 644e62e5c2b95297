import { settled } from "../../tests/helpers/pulumiMocks";
import { defaultPlatforms } from "../architecture";
import { annotationMistakes, indexAnnotations, manifestAnnotations } from "./annotations";
import { imageBenchForEach, imageType, indexType } from "./imageBench";

const bench = imageBenchForEach();

const [arm64, amd64] = ["linux/arm64", "linux/amd64"] as const;

test.each<[string, { amd64?: object; arm64?: object; index?: object }]>([
    ["org.example.a", { amd64: { "org.example.a": "1" }, arm64: { "org.example.a": "1" } }],
    ["manifest:a", { amd64: { a: "1" }, arm64: { a: "1" } }],
    ["manifest[linux/arm64]:a", { arm64: { a: "1" } }],
    ["index:org.example.a", { index: { "index:org.example.a": "1" } }],
    ["manifest,index:a:b", { amd64: { "a:b": "1" }, arm64: { "a:b": "1" }, index: { "index:a:b": "1" } }],
    [
        "manifest-descriptor:a",
        { index: { "manifest-descriptor[linux/amd64]:a": "1", "manifest-descriptor[linux/arm64]:a": "1" } },
    ],
    [
        "manifest[linux/arm64],manifest-descriptor[linux/amd64]:a",
        { arm64: { a: "1" }, index: { "manifest-descriptor[linux/amd64]:a": "1" } },
    ],
    ["org.example:note", { amd64: { "org.example:note": "1" }, arm64: { "org.example:note": "1" } }],
])("%s is about what buildx says", (key, { amd64: onAmd64 = {}, arm64: onArm64 = {}, index = {} }) => {
    const annotations = { [key]: "1" };
    expect(annotationMistakes(annotations, defaultPlatforms)).toEqual([]);
    expect(manifestAnnotations(annotations, amd64)).toEqual(onAmd64);
    expect(manifestAnnotations(annotations, arm64)).toEqual(onArm64);
    expect(indexAnnotations(annotations, [amd64, arm64])).toEqual(index);
});

test.each([
    ["indx:a", "buildx knows no indx:; write manifest:, manifest-descriptor:, index: or no prefix"],
    ["index-descriptor:a", "no registry keeps what is said of an index; write index:NAME"],
    ["manifest,index-descriptor:a", "no registry keeps what is said of an index; write index:NAME"],
    ["index:", "has no name; write index:NAME"],
    ["manifest[linux/riscv64]:a", "the image is not built for linux/riscv64; write linux/arm64 or linux/amd64"],
    ["manifest[]:a", "the image is not built for ; write linux/arm64 or linux/amd64"],
])("%s is a mistake", (key, mistake) => {
    expect(annotationMistakes({ [key]: "1" }, [arm64, amd64])).toEqual([`"${key}": ${mistake}`]);
});

test("an image hands each annotation to what it is about", async () => {
    bench.makeImage({ annotations: { a: "1", "manifest[linux/arm64]:b": "2", "index:c": "3" } });
    await settled();
    expect(bench.mocks.one(imageType, "app-amd64").inputs.annotations).toEqual({ a: "1" });
    expect(bench.mocks.one(imageType, "app-arm64").inputs.annotations).toEqual({ a: "1", b: "2" });
    expect(bench.mocks.one(indexType, "app").inputs.annotations).toEqual({ "index:c": "3" });
    expect(() => bench.makeImage({ annotations: { "index-descriptor:a": "1" } }, "wrong")).toThrow(
        /annotations: "index-descriptor:a": no registry keeps/,
    );
});
