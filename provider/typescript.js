// Runs TypeScript in an `up`, in the program and in the provider: unchecked, translated by esbuild as tsx does, and cached.
// An `up` waits for both, and tsx, which also reads every file of every package, takes longer to start than they do.

const { createHash, randomUUID } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { version } = require("esbuild/package.json");

// As npm packages do: it goes with node_modules, and nobody else can write there.
const cache = path.join(require.resolve("esbuild/package.json"), "../../.cache/native-buildx");
// What V8 compiled, of all modules: a tenth of an unchanged `up`. Node before 22 has no such cache.
require("node:module").enableCompileCache?.(path.join(cache, "compiled"));

function translated(file) {
    const source = fs.readFileSync(file, "utf8");
    const key = createHash("sha256")
        .update(JSON.stringify([version, file, source]))
        .digest("hex");
    const kept = path.join(cache, `${key}.js`);
    if (fs.existsSync(kept)) {
        return fs.readFileSync(kept, "utf8");
    }
    const options = { loader: "ts", format: "cjs", target: "node20", sourcefile: file, sourcemap: "inline" };
    const { code } = require("esbuild").transformSync(source, options);
    keep(kept, code);
    return code;
}

/** Writes the file whole or not at all. Where that is not possible, the next start takes as long as this. */
function keep(file, code) {
    try {
        fs.mkdirSync(cache, { recursive: true });
        const own = `${file}.${randomUUID()}`;
        fs.writeFileSync(own, code);
        fs.renameSync(own, file);
    } catch {}
}

require.extensions[".ts"] = (module, file) => module._compile(translated(file), file);
