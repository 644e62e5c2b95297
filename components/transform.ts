/**
 * Changes the arguments of a resource right before it is made, for what has no setting. Gets the arguments that the
 * component has chosen and what they are for; returns those to use, as in `(args) => ({ ...args, iops: 6000 })`.
 */
export type Transform<Args, Info> = (args: Args, info: Info) => Args;
