import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { TestProgram } from "../helpers/testProgram";

export const cosignProgram = new TestProgram("cosign", "github.com/sigstore/cosign/v3", path.join(__dirname, "cosign"));

/** Real cosign, with a key of its own in place of a job's identity, which Sigstore's services alone can confirm. */
export class Cosign {
    /** What was asked of it: the verb and all arguments, a line for each. */
    private readonly log: string;

    private constructor(
        private readonly folder: string,
        private readonly binary: string,
    ) {
        this.log = path.join(folder, "log");
    }

    /** @param folder for its keys */
    static create(folder: string): Cosign {
        const cosign = new Cosign(folder, cosignProgram.file);
        mkdirSync(folder);
        execFileSync(cosign.binary, ["generate-key-pair"], {
            cwd: folder,
            env: { COSIGN_PASSWORD: "" },
            stdio: "pipe",
        });
        return cosign;
    }

    /** The program that jobs call, for sh: cosign, with the key where it would ask Sigstore for a certificate. */
    get program(): string {
        return `
            echo "$*" >>${this.log}
            verb=$1
            shift
            export COSIGN_PASSWORD=
            case $verb in
                sign) exec ${this.binary} sign --key ${this.folder}/cosign.key --use-signing-config=false --tlog-upload=false "$@" ;;
                verify)
                    # Its options about certificates come first, each with a value, and then the image.
                    while [ $# -gt 1 ]; do
                        case $1 in --certificate-*) shift 2 ;; *) exit 2 ;; esac
                    done
                    exec ${this.binary} verify --key ${this.folder}/cosign.pub --insecure-ignore-tlog "$1" ;;
            esac
            exit 2`;
    }

    /** Calls until now. */
    get calls(): string[] {
        return existsSync(this.log) ? readFileSync(this.log, "utf8").split("\n").filter(Boolean) : [];
    }
}
