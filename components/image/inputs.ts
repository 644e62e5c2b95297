import type * as pulumi from "@pulumi/pulumi";

/** What a resource of our provider is declared with: its inputs, of which all, or each part, may be an output. */
export type Inputs<Plain> = { [P in keyof Plain]: pulumi.Input<Parts<Plain[P]>> };

/** Two levels deep: lists and objects of values. */
type Parts<Value> = Value extends string | number | boolean | undefined
    ? Value
    : { [P in keyof Value]: pulumi.Input<Value[P]> };
