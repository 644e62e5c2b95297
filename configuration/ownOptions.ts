/** The options of `docker buildx build` that are set for each build, and what says the same in an image's declaration. */
const ownOptions: { [option: string]: string } = {
    "--add-host": "key addHosts",
    "--annotation": "key annotations",
    "--attest": "keys provenance and sbom",
    "--build-arg": "key args",
    "--build-context": "key contexts",
    "--builder": "setting runnerType",
    "--cache-from": "key cacheFrom",
    "--cache-to": "key cacheTo",
    "--call": "docker buildx by hand",
    "--check": "docker buildx by hand",
    "--file": "key dockerfile",
    "--iidfile": "stack output images",
    "--label": "key labels",
    "--load": "docker pull: images are pushed",
    "--metadata-file": "stack output images",
    "--network": "key network",
    "--no-cache": "key noCache",
    "--output": "key tags: images are pushed",
    "--platform": "key platforms",
    "--print": "docker buildx by hand",
    "--progress": "nothing: progress is shown by pulumi",
    "--provenance": "key provenance",
    "--push": "nothing: images are pushed",
    "--quiet": "nothing: progress is shown by pulumi",
    "--sbom": "key sbom",
    "--secret": "key secrets",
    "--shm-size": "key shmSize",
    "--ssh": "key ssh",
    "--tag": "key tags",
    "--target": "key target",
    "--ulimit": "key ulimits",
};

const shortOptions: { [option: string]: string } = {
    "-f": "--file",
    "-o": "--output",
    "-q": "--quiet",
    "-t": "--tag",
};

/** What is wrong with options that are handed to buildx as they are, each as one line: the option, why, the remedy. */
export function optionMistakes(options: readonly string[]): string[] {
    return options.flatMap((option, at) => {
        const mistake = optionMistake(option, options[at - 1]);
        return mistake ? [`"${option}" ${mistake}`] : [];
    });
}

function optionMistake(option: string, before: string | undefined): string | undefined {
    if (!option.startsWith("-")) {
        // Else it would be the context, and buildx takes one.
        const isValue = before !== undefined && /^--[^=]+$/.test(before);
        return isValue ? undefined : "is no option; write an option with its value as --NAME=VALUE";
    }
    const name = option.startsWith("--") ? option.replace(/=.*$/s, "") : shortOptions[option.slice(0, 2)];
    if (name === undefined || name === "--") {
        return "is not known here; write the option in its long form, --NAME=VALUE";
    }
    const remedy = ownOptions[name];
    return remedy && `is set for every build already; use ${remedy}`;
}
