import { type Value } from "../values";

/** A policy as one string, whatever its author's spacing. */
export function policy(value: Value): string {
    return JSON.stringify(typeof value === "string" ? JSON.parse(value) : value);
}
