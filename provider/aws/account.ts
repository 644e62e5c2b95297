/** Region and profile of a resource of ours at AWS. The AWS SDK and command line find the credentials by them. */
export interface Account {
    region: string;
    /** Profile of AWS's configuration files, empty for none. */
    profile: string;
}

/** Settings of a client of the AWS SDK. */
export interface ClientSettings {
    region: string;
    profile?: string;
    maxAttempts: number;
    retryMode: "adaptive";
}

/**
 * Settings of a client of the AWS SDK that is patient, and asks less often where AWS refuses to be asked so often: an `up` has
 * calls for all repositories at once, and the SDK itself gives up after three attempts.
 */
export function clientSettings({ region, profile }: Account): ClientSettings {
    return { region, ...(profile ? { profile } : {}), maxAttempts: 10, retryMode: "adaptive" };
}

/** A command of the AWS command line, for people. */
export function command(words: string, { region, profile }: Account): string {
    return `aws ${words} --region ${region}${profile ? ` --profile ${profile}` : ""}`;
}
