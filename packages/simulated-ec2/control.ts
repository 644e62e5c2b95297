/** A request that reached the simulated API. */
export interface Call {
    time: number;
    principal: string;
    /** As policies write it: `ec2:StartInstances`. */
    action: string;
    /** ARNs of what the call names; `*`, if nothing. */
    resources: string[];
    resourceTags?: { [arn: string]: { [key: string]: string } };
    /** Roles that the call gives to instances. */
    passedRoles?: string[];
    /** Customer keys by what is encrypted with them: the parameters and volumes that the call uses. */
    keys?: { [arn: string]: string };
    /** Who an identity token is of, and what it says. */
    identity?: { provider: string; issuer: string; claims: { [name: string]: unknown } };
    region: string;
    parameters?: { [name: string]: unknown };
    status: number;
    error?: string | null;
}

/** What can be made to go wrong; described in simulation/faults.py. */
export interface Faults {
    no_capacity?: string[];
    no_capacity_late?: string[];
    metadata_delay_seconds?: number;
    throttled?: string[];
    unanswered?: string[];
    denied?: string[];
    slow?: { [action: string]: number };
    pending_seconds?: number | null;
    stopping_seconds?: number | null;
    login_seconds?: number | null;
    debian_release?: number;
}

/** What a command in a machine came to. */
export interface Executed {
    status: number;
    stdout: string;
    stderr: string;
}
