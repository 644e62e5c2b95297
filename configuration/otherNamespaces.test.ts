import { namespaceMistakes } from "./otherNamespaces";

const rest = (namespace: string) =>
    `or if something else reads it, name "${namespace}" among otherNamespaces of readSettings in index.ts`;

describe("settings in a namespace that is not the project's", () => {
    it.each<[string, string, string[], string[]]>([
        [
            "are all told where the project has another name now",
            "acme-images",
            ["native-buildx:images", "native-buildx:idleMinute", "acme-images:runners"],
            [
                "native-buildx:images: is not read in project acme-images; write acme-images:images",
                "native-buildx:idleMinute: is not read in project acme-images; write acme-images:idleMinute",
            ],
        ],
        [
            "are told where the namespace is mistyped",
            "native-buildx",
            ["nativebuildx:idleMinutes", "native-buildx:idleMinutes"],
            [
                `nativebuildx:idleMinutes: is not read in project native-buildx; write native-buildx:idleMinutes, ${rest("nativebuildx")}`,
            ],
        ],
        ["are others' where their names are", "native-buildx", ["acme:colour", "acme:toString", "aws:region"], []],
        [
            "are those of a package that is here",
            "native-buildx",
            ["aws:vpc", "kubernetes:images", "pulumi:runners"],
            [],
        ],
        ["are those that the program reads itself", "native-buildx", ["network:vpc", "network:allowedCidrs"], []],
    ])("%s", (_what, project, keys, mistakes) => {
        expect(namespaceMistakes(keys, project, ["network"])).toEqual(mistakes);
    });
});
