/** Why a cache's room does not become smaller, and both ways out with what they cost. */
export function shrinkRefusal(cache: {
    /** The room, in GiB, that is wanted, and that the cache has. */
    wanted: number;
    before: number;
    /** What the room is, and who refuses. */
    room: string;
    maker: string;
    /** The command that makes it anew, empty. */
    anew: string;
}): string {
    const { wanted, before, room, maker, anew } = cache;
    return (
        `cacheGigabytes ${wanted}: ${room} has ${before}, and ${maker} cannot make a volume smaller. ` +
        `Keep it: pulumi config set cacheGigabytes ${before}. Or give the caches up, so that the next builds start ` +
        `without, and their images' steps are run again: ${anew}`
    );
}
