import { optionMistakes } from "./ownOptions";

describe("options for buildx", () => {
    it.each([
        [[]],
        [["--no-cache-filter=test"]],
        [["--cgroup-parent=builds", "--no-cache-filter", "test"]],
        [["--allow=device"]],
        [["--shm"]],
    ])("are handed over: %j", (options) => {
        expect(optionMistakes(options)).toEqual([]);
    });

    it.each<[string[], string[]]>([
        [["--platform=linux/arm64"], ['"--platform=linux/arm64" is set for every build already; use platforms']],
        [["--tag", "x"], ['"--tag" is set for every build already; use tags']],
        [["-t=x"], ['"-t=x" is set for every build already; use tags']],
        [["-fother"], ['"-fother" is set for every build already; use dockerfile']],
        [["--secret=id=a\nb"], ['"--secret=id=a\nb" is set for every build already; use secrets']],
        [["app"], ['"app" is not an option; write an option with its value as --NAME=VALUE']],
        [["--memory=1g", "app"], ['"app" is not an option; write an option with its value as --NAME=VALUE']],
        [["--pull=true"], ['"--pull=true" is set for every build already; use trigger']],
        [["--debug"], ['"--debug" is set for every build already; call docker buildx by hand']],
        [["-D"], ['"-D" is set for every build already; call docker buildx by hand']],
        [["-m"], ['"-m" is not known here; write the option in its long form, --NAME=VALUE']],
        [["--help"], ['"--help" builds nothing; call docker buildx by hand']],
        [["-h"], ['"-h" builds nothing; call docker buildx by hand']],
        [["--version=true"], ['"--version=true" builds nothing; call docker buildx by hand']],
        [["--"], ['"--" is not known here; write the option in its long form, --NAME=VALUE']],
        [
            ["--push", "--load"],
            [
                '"--push" is set for every build already; leave it out: images are pushed',
                '"--load" is set for every build already; images are pushed: use docker pull',
            ],
        ],
    ])("are refused where they are ours, or none: %j", (options, mistakes) => {
        expect(optionMistakes(options)).toEqual(mistakes);
    });
});
