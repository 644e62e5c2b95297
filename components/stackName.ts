/**
 * Name of a stack's builder, of its folder on a machine, and of what it has at AWS and in the registry: in lower case, as
 * buildx keeps its records and registries their names.
 */
export function stackNameOf(project: string, stack: string): string {
    return `${project}-${stack}`.toLowerCase();
}
