import { readInstructions } from "./dockerfileInstructions";
import { wrongBaseRule } from "./targetPlatform";

/** How BuildKit's checks of a Dockerfile are asked for. */
export interface Checks {
    /** Build arguments. */
    args: { [name: string]: string };
    /** Whether the Dockerfile leaves out a check that these arguments ask for. */
    isSkipped(rule: string): boolean;
}

/**
 * Asks for the check of the bases' architecture where the Dockerfile leaves it out by `# check=skip=all` or by its name: an
 * image of the wrong architecture is refused by what it tells. An argument takes the place of the whole directive, and lets
 * the other options of the directive be. Where that cannot be, the directive holds: with `error=true` the check would fail
 * stages that may have another architecture, or the failures of experimental checks would be lost.
 *
 * @param args the user's own, which hold
 */
export function askForPlatformCheck(dockerfile = "", args: { [name: string]: string } = {}): Checks {
    const options = optionsOf(readInstructions(dockerfile).check);
    const skips = valuesOf(options, "skip");
    const isAll = skips.includes("all");
    const rules = (skips.at(-1) ?? "").split(",").map((rule) => rule.trim());
    const isStrict = /^(1|t|true)$/i.test(valuesOf(options, "error").at(-1) ?? "");
    const holds = isStrict && (!isAll || valuesOf(options, "experimental").length > 0);
    const isLeftOut = isAll || rules.includes(wrongBaseRule);
    if (!isLeftOut || holds || Object.hasOwn(args, argumentName)) {
        return { args: {}, isSkipped: () => false };
    }
    const others = isAll ? [] : rules.filter((rule) => rule !== wrongBaseRule);
    const asked = options
        // With every check left out it means nothing.
        .filter(([name]) => !(isAll && name === "error"))
        .map(([name, ...value]) => [name, ...(name === "skip" ? [others.join(",") || "none"] : value)].join("="));
    return {
        args: { [argumentName]: asked.join(";") },
        isSkipped: (rule) => rule === wrongBaseRule || (isAll && rule !== experimentalRule),
    };
}

const argumentName = "BUILDKIT_DOCKERFILE_CHECK";
/** BuildKit's experimental check: it is told only where it is asked for, and not left out with the others. */
const experimentalRule = "InvalidDefinitionDescription";

/** Name of an option, and its value where it has one. */
type Option = [name: string, value?: string];

/** The options of a directive, in order. */
function optionsOf(check: string | undefined): Option[] {
    return (check?.split(";") ?? []).map((option) => {
        const [name = "", ...value] = option.split("=");
        return value.length > 0 ? [name.trim(), value.join("=").trim()] : [name];
    });
}

/** Each value that an option is given: BuildKit takes the last, but keeps to `skip=all` once it has read that. */
function valuesOf(options: Option[], name: string): string[] {
    return options.flatMap(([key, value]) => (key === name && value !== undefined ? [value] : []));
}
