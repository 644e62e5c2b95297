/** The options of `docker buildx build` that this program sets for each build, and what to use instead of them. */
const ownOptions: { [option: string]: string } = {
    "--add-host": "use addHosts",
    "--annotation": "use annotations",
    "--attest": "use provenance and sbom",
    "--build-arg": "use args",
    "--build-context": "use contexts",
    "--builder": "each platform has its own",
    "--cache-from": "use cacheFrom",
    "--cache-to": "use cacheTo",
    "--call": "call docker buildx by hand",
    "--check": "call docker buildx by hand",
    "--debug": "call docker buildx by hand",
    "--file": "use dockerfile",
    "--iidfile": "use stack output images",
    "--label": "use labels",
    "--load": "images are pushed: use docker pull",
    "--metadata-file": "use stack output images",
    "--network": "use network",
    "--no-cache": "use noCache",
    "--output": "images are pushed: use tags",
    "--platform": "use platforms",
    "--print": "call docker buildx by hand",
    "--progress": "leave it out: pulumi shows the progress",
    "--provenance": "use provenance",
    "--pull": "use trigger",
    "--push": "leave it out: images are pushed",
    "--quiet": "leave it out: pulumi shows the progress",
    "--sbom": "use sbom",
    "--secret": "use secrets",
    "--shm-size": "use shmSize",
    "--ssh": "use ssh",
    "--tag": "use tags",
    "--target": "use target",
    "--ulimit": "use ulimits",
};

/** Options with which buildx builds nothing. */
const idleOptions = ["--help", "--version"];

const shortOptions: { [option: string]: string } = {
    "-D": "--debug",
    "-f": "--file",
    "-h": "--help",
    "-o": "--output",
    "-q": "--quiet",
    "-t": "--tag",
};

/** What is wrong with options that are handed to buildx unchanged, each as one line: the option, why, the remedy. */
export function optionMistakes(options: readonly string[]): string[] {
    return options.flatMap((option, at) => {
        const mistake = optionMistake(option, options[at - 1]);
        return mistake ? [`"${option}" ${mistake}`] : [];
    });
}

function optionMistake(option: string, before: string | undefined): string | undefined {
    if (!option.startsWith("-")) {
        // buildx would take a value by itself for a second context.
        const isValue = before !== undefined && /^--[^=]+$/.test(before);
        return isValue ? undefined : "is not an option; write an option with its value as --NAME=VALUE";
    }
    const name = option.startsWith("--") ? option.replace(/=.*$/s, "") : shortOptions[option.slice(0, 2)];
    if (name === undefined || name === "--") {
        return "is not known here; write the option in its long form, --NAME=VALUE";
    }
    if (idleOptions.includes(name)) {
        return "builds nothing; call docker buildx by hand";
    }
    const remedy = ownOptions[name];
    return remedy && `is set for every build already; ${remedy}`;
}
