import * as path from "node:path";
import { type ScriptResult, Workbench } from "../../../../tests/helpers/workbench";
import type { BootstrapSettings } from "../bootstrapSettings";
import { renderUserData } from "../ec2Bootstrap";
import { runnerPaths } from "../runnerPaths";

/** Of a runner for tests. */
export const bootstrapSettings: BootstrapSettings = {
    region: "eu-central-1",
    ssmEndpoint: "https://ssm.eu-central-1.amazonaws.com",
    keysParameter: "/native-buildx/prod/arm64/keys",
    ec2Endpoint: "https://ec2.eu-central-1.amazonaws.com",
    callersGroup: "sg-0a",
    openForCallerMinutes: 60,
    kmsKeyArn: "",
    serverNames: ["arm64.runner.internal", "amd64.runner.internal"],
    cacheDevice: "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0",
    buildkitUrl: "https://mirror.example.com/buildkit-v0.31.1.linux-arm64.tar.gz",
    buildkitSha256: "a".repeat(64),
    port: 9753,
    idleMinutes: 20,
    cacheGigabytes: 100,
    cacheThroughput: 125,
    stepMemoryMegabytes: 0,
    buildkitConfig: '# a comment\nroot = "/var/lib/buildkit/root"\n',
};

/** The files that user data writes, by path. */
export function filesOf(userData: string): { [path: string]: string } {
    const files: { [path: string]: string } = {};
    for (const match of userData.matchAll(/^put \d+ (\S+) <<'END-OF-FILE'\n([\s\S]*?)^END-OF-FILE$/gm)) {
        files[match[1] ?? ""] = match[2] ?? "";
    }
    return files;
}

/** A workbench on which the files of a runner are laid out, for the tests of its scripts. */
export class RunnerBench extends Workbench {
    /** @param shell what the scripts are run by */
    constructor(private readonly shell: readonly string[]) {
        super();
    }

    /** Lays the files out as on a runner, with paths and times that fit a test. */
    layOut(changes: { [setting: string]: string | number } = {}, settings = bootstrapSettings): void {
        for (const [name, text] of Object.entries(filesOf(renderUserData(settings)))) {
            if (name.startsWith(runnerPaths.library)) {
                this.write(`lib/${path.basename(name)}`, text);
            }
        }
        const all = {
            cache_directory: this.path("cache"),
            cni_directory: this.path("cni"),
            console: this.path("console"),
            prefix: this.path("prefix"),
            installed_marker: this.path("installed"),
            tls_directory: this.path("tls"),
            ...changes,
        };
        const extra = Object.entries(all).map(([name, value]) => `${name}='${value}'\n`);
        this.append("lib/settings", extra.join(""));
    }

    /** AWS, of which the scripts find the credentials of a role and, in files `parameters/NAME`, parameters by the ends of their names. */
    stubParameters(): void {
        this.stub(
            "curl",
            `for url; do :; done
            case $url in
            */api/token) printf 'session\\n' ;;
            */security-credentials/) printf role ;;
            */security-credentials/role)
                printf '{"AccessKeyId" : "id", "SecretAccessKey" : "secret", "Token" : "token"}' ;;
            https://ssm*) name=$(printf '%s' "$*" | sed -n 's|.*{"Name":"[^"]*/\\([^"/]*\\)"}.*|\\1|p')
                value=$(cat "$bench/parameters/$name" 2>/dev/null) || exit 22
                printf '{"Parameter":{"Name":"a","Value":"%s"}}' "$value" ;;
            esac`,
        );
    }

    /** Runs a script of the runner. */
    runScript(script: string, args: string[] = [], seconds = 20, until?: () => boolean): Promise<ScriptResult> {
        return this.run([...this.shell, this.path(`lib/${script}`), ...args], { seconds, until });
    }
}
