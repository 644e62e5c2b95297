/** A table as `buildctl debug histories` prints it, with the times given as seconds before now. */
export function histories(...builds: ("running" | number)[]): string {
    const time = (ago: number) => new Date(Date.now() - ago * 1000).toISOString().replace(/\.\d+Z$/, "Z");
    const rows = builds.map((build) =>
        build === "running" ? `STARTED   ref0 ${time(7200)}  1` : `COMPLETE  ref1 ${time(build + 60)} ${time(build)} 2`,
    );
    return `${["TYPE\\tREF\\tCREATED\\tCOMPLETED\\tGENERATION", ...rows].join("\n")}\n`;
}
