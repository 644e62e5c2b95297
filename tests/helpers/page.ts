import { readFileSync } from "node:fs";
import * as path from "node:path";
import { checkout } from "./checkout";

/** A block of code on a page. */
export interface Example {
    /** The heading that it stands below; empty before the first. */
    heading: string;
    language: string;
    text: string;
}

/** The fenced blocks of a page that name a language, in their order. */
export function examplesOf(page: string): Example[] {
    const text = readFileSync(path.join(checkout, page), "utf8");
    let heading = "";
    return [...text.matchAll(/^## (.+)$|^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(
        ([, title, language = "", block = ""]) => {
            if (title !== undefined) {
                heading = title;
                return [];
            }
            return [{ heading, language, text: block }];
        },
    );
}
