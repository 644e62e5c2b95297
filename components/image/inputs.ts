import type * as pulumi from "@pulumi/pulumi";

/** The inputs of a resource of our provider: the whole, or each part of it, may be an output. */
export type Inputs<Plain> = { [P in keyof Plain]: pulumi.Input<Parts<Plain[P]>> };

/** Two levels deep: lists and objects of values. */
type Parts<Value> = Value extends string | number | boolean | undefined
    ? Value
    : { [P in keyof Value]: pulumi.Input<Value[P]> };
