import { describeUnless, missing } from "../../helpers/needs";
import { missingForCluster } from "./testCluster";

/** `describe` for tests on a Kubernetes cluster of their own; skips itself, and says why, where there cannot be one. */
export const describeWithCluster = describeUnless(missingForCluster({ stack: false }) ?? missing());

/** The same for tests with a stack in the cluster. */
export const describeWithStack = describeUnless(missingForCluster({ stack: true }) ?? missing());
