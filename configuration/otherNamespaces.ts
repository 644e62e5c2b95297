import { allSettings } from "./settings";

/** The namespace of the settings as long as Pulumi.yaml has the name that it came with. */
const originalProject = "native-buildx";

/**
 * What is wrong with keys of the configuration that are in another namespace than the project's, where nobody would read
 * them: each as one line.
 *
 * @param keys of the whole configuration, NAMESPACE:NAME
 * @param otherNamespaces those that the program reads itself, whatever their names
 */
export function namespaceMistakes(
    keys: readonly string[],
    project: string,
    otherNamespaces: readonly string[],
): string[] {
    return keys.flatMap((key) => {
        const [namespace = "", name = ""] = key.split(":");
        if (namespace === project || otherNamespaces.includes(namespace)) {
            return [];
        }
        const mistake = `${key}: is not read in project ${project}; write ${project}:${name}`;
        if (namespace === originalProject) {
            return [mistake];
        }
        return Object.hasOwn(allSettings, name) && !isPackage(namespace)
            ? [
                  `${mistake}, or if something else reads it, name "${namespace}" among otherNamespaces of readSettings in index.ts`,
              ]
            : [];
    });
}

/** Whether one of Pulumi's own packages is here that has this namespace. */
function isPackage(namespace: string): boolean {
    try {
        require.resolve(`@pulumi/${namespace}/package.json`);
        return true;
    } catch {
        return false;
    }
}
