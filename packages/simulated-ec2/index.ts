/** The package's public face. What is not exported here may change without notice. */
export type { Call, Executed, Faults } from "./control";
export { eventually } from "./eventually";
export { type Identity, identityContext } from "./policies/identityContext";
export { type Condition, type Context, readConditions } from "./policies/policyConditions";
export {
    type Decision,
    evaluate,
    evaluateTrust,
    type Principal,
    type Request,
    type TrustRequest,
} from "./policies/policyEvaluator";
export { matches } from "./policies/policyPatterns";
export { actionsOf } from "./policies/reference";
export { policiesOfAccount, type Refused, type Replayed, replay } from "./policies/replay";
export { type RolePolicies, rolePolicies } from "./policies/rolePolicies";
export { canSimulate, Simulation } from "./simulation";
export { leftovers } from "./slots";
export { type TokenChanges, TokenIssuer } from "./tokenIssuer";
