// Loaded into every Node process of a `pulumi up` by NODE_OPTIONS: lets the one that issues certificates, and no other,
// believe that it is so many days earlier. Test equipment.
if (process.argv.some((argument) => argument.includes("dynamic-provider"))) {
    const shift = Number(process.env.SHIFTED_CLOCK_DAYS) * 24 * 60 * 60 * 1000;
    const now = Date.now;
    globalThis.Date = class extends Date {
        constructor(...values) {
            super(...(values.length > 0 ? values : [now() - shift]));
        }
        static now() {
            return now() - shift;
        }
    };
}
