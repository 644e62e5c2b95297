/** The options of `docker buildx build` that are set for each build, and what says the same in an image's declaration. */
const ownOptions: { [option: string]: string } = {
    "--add-host": "use key addHosts",
    "--annotation": "use key annotations",
    "--attest": "use keys provenance and sbom",
    "--build-arg": "use key args",
    "--build-context": "use key contexts",
    "--builder": "use setting runners",
    "--cache-from": "use key cacheFrom",
    "--cache-to": "use key cacheTo",
    "--call": "call docker buildx by hand",
    "--check": "call docker buildx by hand",
    "--file": "use key dockerfile",
    "--iidfile": "use stack output images",
    "--label": "use key labels",
    "--load": "images are pushed: use docker pull",
    "--metadata-file": "use stack output images",
    "--network": "use key network",
    "--no-cache": "use key noCache",
    "--output": "images are pushed: use key tags",
    "--platform": "use key platforms",
    "--print": "call docker buildx by hand",
    "--progress": "leave it out: pulumi shows the progress",
    "--provenance": "use key provenance",
    "--push": "leave it out: images are pushed",
    "--quiet": "leave it out: pulumi shows the progress",
    "--sbom": "use key sbom",
    "--secret": "use key secrets",
    "--shm-size": "use key shmSize",
    "--ssh": "use key ssh",
    "--tag": "use key tags",
    "--target": "use key target",
    "--ulimit": "use key ulimits",
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
    return remedy && `is set for every build already; ${remedy}`;
}
