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
 * stages that may have another architecture.
 *
 * @param args the user's own, which hold
 */
export function askForPlatformCheck(dockerfile = "", args: { [name: string]: string } = {}): Checks {
    const options = readInstructions(dockerfile).check?.split(";") ?? [];
    const optionNamed = (name: string) =>
        options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
    const skip = optionNamed("skip") ?? "";
    const isAll = skip === "all";
    const rules = skip.split(",");
    const isStrict = /^(1|t|true)$/i.test(optionNamed("error") ?? "");
    const isLeftOut = isAll ? !optionNamed("experimental") : rules.includes(wrongBaseRule) && !isStrict;
    if (!isLeftOut || Object.hasOwn(args, argumentName)) {
        return { args: {}, isSkipped: () => false };
    }
    const others = isAll ? [] : rules.filter((rule) => rule !== wrongBaseRule);
    const asked = options
        // With every check left out it means nothing.
        .filter((option) => !(isAll && option.startsWith("error=")))
        .map((option) => (option.startsWith("skip=") ? `skip=${others.join(",") || "none"}` : option));
    return {
        args: { [argumentName]: asked.join(";") },
        isSkipped: (rule) => isAll || rule === wrongBaseRule,
    };
}

const argumentName = "BUILDKIT_DOCKERFILE_CHECK";
