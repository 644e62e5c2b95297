/** Region and profile of a resource of ours at AWS. The AWS SDK and command line find the credentials by them. */
export interface Account {
    region: string;
    /** Profile of AWS's configuration files, empty for none. */
    profile: string;
}

/** Settings of a client of the AWS SDK. */
export function clientSettings({ region, profile }: Account): { region: string; profile?: string } {
    return { region, ...(profile ? { profile } : {}) };
}

/** A command of the AWS command line, for people. */
export function command(words: string, { region, profile }: Account): string {
    return `aws ${words} --region ${region}${profile ? ` --profile ${profile}` : ""}`;
}
