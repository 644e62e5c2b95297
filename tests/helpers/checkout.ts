import * as path from "node:path";

/** The checkout under test. */
export const checkout = path.resolve(__dirname, "../..");
/** Its programs. */
export const tools = path.join(checkout, "tools/bin");
