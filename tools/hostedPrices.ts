/** What a service asks for a minute in which both platforms are built at once, each natively. */
export interface HostedPrice {
    name: string;
    /** Of each platform's machine. */
    cores: number;
    /** In US dollars, for both platforms together, without what a plan includes. */
    minute: number;
    /** When the source is known to have said so, `YYYY-MM`; all were read in 2026-11. */
    date: string;
    /** A page that anybody can read. */
    source: string;
}

/**
 * Prices of docs/comparison.md. Where a price is missing (Docker Build Cloud by the minute, RunsOn's licences) no source
 * was at hand.
 */
export const hostedPrices: readonly HostedPrice[] = [
    {
        // Larger runners: those of a private repository with as many cores as ours, $0.012 and $0.008. In force since then.
        name: "GitHub's larger runners",
        cores: 4,
        minute: 0.02,
        date: "2026-01",
        source: "https://docs.github.com/en/billing/reference/actions-runner-pricing",
    },
    {
        // $0.008 and $0.005. Its layer cache costs $0.50 a GB and month besides.
        name: "Blacksmith",
        cores: 4,
        minute: 0.013,
        date: "2026-06",
        source: "https://docs.blacksmith.sh/github-actions-runners/pricing",
    },
    {
        // A minute of a build beyond those of a plan ($20 a month with 500 of them). Whether a build for two platforms
        // counts twice is not said; here it counts once.
        name: "Depot",
        cores: 16,
        minute: 0.04,
        date: "2026-06",
        source: "https://depot.dev/pricing",
    },
];
