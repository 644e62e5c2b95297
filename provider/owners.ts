/**
 * Which resource has what in this `up`. Every resource is checked before any is deleted, so what was taken by another is known when
 * the one that had it is deleted: a component was renamed, or moved to another parent, and its resources with it.
 */
export class Owners {
    private readonly known = new Map<string, string>();

    take(what: string, urn: string): void {
        this.known.set(what, urn);
    }

    /** Whether it is another resource's by now. */
    isAnothers(what: string, urn: string): boolean {
        return (this.known.get(what) ?? urn) !== urn;
    }
}
