/**
 * Conditions of IAM policies, for tests.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
import { asObject, matches, matchesSegments } from "./policyPatterns";

/** Condition keys of a request, and their values. */
export interface Context {
    readonly [key: string]: string | readonly string[];
}

export interface Condition {
    /** As the policy writes it: `ForAnyValue:StringLikeIfExists`. */
    readonly operator: string;
    readonly key: string;
    readonly values: readonly string[];
    holds(context: Context): boolean;
}

type Comparison = (wanted: string, found: string) => boolean;

const numeric =
    (compare: (wanted: number, found: number) => boolean): Comparison =>
    (wanted, found) =>
        found.trim() !== "" && !Number.isNaN(Number(found)) && compare(Number(wanted), Number(found));

/** Those that compare; each `Not...` holds when none of its values does. */
const comparisons: { readonly [operator: string]: Comparison } = {
    StringEquals: (wanted, found) => wanted === found,
    StringEqualsIgnoreCase: (wanted, found) => wanted.toLowerCase() === found.toLowerCase(),
    StringLike: (wanted, found) => matches(wanted, found),
    // The same, says AWS.
    ArnEquals: matchesSegments,
    ArnLike: matchesSegments,
    Bool: (wanted, found) => wanted.toLowerCase() === found.toLowerCase(),
    NumericEquals: numeric((wanted, found) => found === wanted),
    NumericLessThan: numeric((wanted, found) => found < wanted),
    NumericLessThanEquals: numeric((wanted, found) => found <= wanted),
    NumericGreaterThan: numeric((wanted, found) => found > wanted),
    NumericGreaterThanEquals: numeric((wanted, found) => found >= wanted),
};

const negations: { readonly [operator: string]: string } = {
    StringNotEquals: "StringEquals",
    StringNotEqualsIgnoreCase: "StringEqualsIgnoreCase",
    StringNotLike: "StringLike",
    ArnNotEquals: "ArnEquals",
    ArnNotLike: "ArnLike",
    NumericNotEquals: "NumericEquals",
};

/** All of them have to hold. @throws Error naming an operator or value that is not known. */
export function readConditions(given: unknown, sid: string): Condition[] {
    return Object.entries(given === undefined ? {} : asObject(given, `Condition of statement ${sid}`)).flatMap(
        ([operator, keys]) =>
            Object.entries(asObject(keys, `${operator} of statement ${sid}`)).map(([key, values]) =>
                readCondition(operator, key, readValues(values, `${operator} ${key} of statement ${sid}`), sid),
            ),
    );
}

function readValues(given: unknown, what: string): string[] {
    const values = (Array.isArray(given) ? given : [given]).map((value) => {
        if (!["string", "boolean", "number"].includes(typeof value)) {
            throw new Error(`${what}: ${JSON.stringify(value)} is no value`);
        }
        return String(value);
    });
    if (values.length === 0) {
        throw new Error(`${what} has no value`);
    }
    const variable = values.find((value) => value.includes("${"));
    if (variable) {
        throw new Error(`${what}: "${variable}": policy variables are not handled`);
    }
    return values;
}

function readCondition(operator: string, key: string, values: string[], sid: string): Condition {
    const [, set, name = "", ifExists] = /^(ForAnyValue:|ForAllValues:)?([A-Za-z]+?)(IfExists)?$/.exec(operator) ?? [];
    const condition = (holds: (found: readonly string[] | undefined) => boolean): Condition => ({
        operator,
        key,
        values,
        holds: (context) => holds(valuesOf(context, key)),
    });
    if (operator === "Null") {
        requireValues(values, /^(true|false)$/, operator, sid);
        return condition((found) => values.includes(String(found === undefined)));
    }
    const isNegated = Object.hasOwn(negations, name);
    const comparison = comparisons[(isNegated ? negations[name] : name) as string];
    // IfExists has no effect on a set, so whoever writes it there means something else.
    if (!comparison || !Object.hasOwn(comparisons, negations[name] ?? name) || (set && ifExists)) {
        throw new Error(`statement ${sid}: the condition operator ${operator} is not known here`);
    }
    if (name === "Bool") {
        requireValues(values, /^(true|false)$/i, operator, sid);
    } else if (name.startsWith("Numeric")) {
        requireValues(values, /^-?\d+(\.\d+)?$/, operator, sid);
    }
    const fits = (found: string) => values.some((wanted) => comparison(wanted, found)) !== isNegated;
    switch (set) {
        case "ForAnyValue:":
            return condition((found) => found?.some(fits) ?? false);
        case "ForAllValues:":
            return condition((found) => found?.every(fits) ?? true);
        default:
            return condition((found) => {
                if (found === undefined) {
                    return isNegated || ifExists !== undefined;
                }
                if (found.length !== 1) {
                    throw new Error(
                        `statement ${sid}: ${key} has ${found.length} values, and ${operator} compares one: ForAnyValue or ForAllValues is needed`,
                    );
                }
                return found.every(fits);
            });
    }
}

function requireValues(values: string[], form: RegExp, operator: string, sid: string): void {
    const other = values.find((value) => !form.test(value));
    if (other !== undefined) {
        throw new Error(`statement ${sid}: "${other}" is no value for ${operator}`);
    }
}

/** Names of condition keys are the same in capitals. */
function valuesOf(context: Context, key: string): readonly string[] | undefined {
    const name = Object.keys(context).find((candidate) => candidate.toLowerCase() === key.toLowerCase());
    const found = name === undefined ? undefined : context[name];
    return typeof found === "string" ? [found] : found;
}
