/**
 * The limits of a gp3 volume; the price of its size includes the least of each
 * (https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html; the maxima since September 2025).
 */
export const gp3 = {
    iops: { least: 3000, most: 80_000, perGigabyte: 500 },
    /** MiB/s. */
    throughput: { least: 125, most: 2000, perIops: 0.25 },
} as const;

/** The settings of a cache volume. */
export interface CacheVolumeSettings {
    /** GiB. */
    cacheGigabytes: number;
    cacheIops: number;
    /** MiB/s. */
    cacheThroughput: number;
}

/** What EBS would refuse of a volume's speed, each as one line: setting, mistake, remedy. */
export function speedMistakes({ cacheGigabytes, cacheIops, cacheThroughput }: CacheVolumeSettings): string[] {
    const { iops, throughput } = gp3;
    const mostIops = Math.max(iops.least, cacheGigabytes * iops.perGigabyte);
    const neededIops = Math.ceil(cacheThroughput / throughput.perIops);
    if (!isWithin(cacheIops, iops)) {
        return [`cacheIops ${cacheIops}: a gp3 volume has ${iops.least} to ${iops.most} operations a second`];
    }
    if (!isWithin(cacheThroughput, throughput)) {
        return [`cacheThroughput ${cacheThroughput}: a gp3 volume has ${throughput.least} to ${throughput.most} MiB/s`];
    }
    return [
        ...(cacheIops > mostIops
            ? [
                  `cacheIops ${cacheIops}: a gp3 volume of ${cacheGigabytes} GiB has ${mostIops} at most; lower it, or raise ` +
                      `cacheGigabytes to ${Math.ceil(cacheIops / iops.perGigabyte)}`,
              ]
            : []),
        ...(cacheIops < neededIops
            ? [
                  `cacheThroughput ${cacheThroughput}: a gp3 volume of ${cacheIops} operations a second has ` +
                      `${cacheIops * throughput.perIops} MiB/s at most; lower it, or raise cacheIops to ${neededIops}`,
              ]
            : []),
    ];
}

function isWithin(value: number, { least, most }: { least: number; most: number }): boolean {
    return Number.isInteger(value) && value >= least && value <= most;
}
