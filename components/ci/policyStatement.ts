/** One statement of an IAM policy, with IAM's own names. */
export interface PolicyStatement {
    Sid: string;
    Action: string[];
    Resource: string[];
    Condition?: { [operator: string]: { [key: string]: string | string[] } };
}
