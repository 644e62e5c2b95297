import { withoutLogins } from "../withoutLogins";
import { archiveLogin, archiveVersion } from "./archiveVersion";
import { type ContextInputs, placesOf } from "./contexts";
import { gitServer, resolveGitCommit } from "./gitCommit";
import { parseGitContext } from "./gitContext";
import { gitLogin } from "./gitLogin";
import { Looks } from "./looks";
import type { Secrets } from "./secrets";
import { type Unanswered, UnreachableServers } from "./unreachableServers";

/** What tells the versions of contexts that are elsewhere apart, each by its address. */
export interface RemoteVersions {
    /** Of git repositories. */
    commits: { [address: string]: string };
    /** Of files, which are archives or Dockerfiles: their ETags, or the times of their last changes. */
    archives: { [address: string]: string };
}

/** What a server answers, or why it is not known. */
type Answer = { version: string } | Unanswered;

/** A question to a server. */
interface Question {
    of: keyof RemoteVersions;
    address: string;
    /** The same for the same question. */
    key: unknown;
    /** With how it is asked: one way to it may be closed, another open. */
    server: () => Promise<string>;
    ask: () => Promise<Answer>;
}

/**
 * Looks at contexts that are elsewhere. Each is asked for once in a run, so that all platforms and images see the same, and a
 * server that cannot be reached is waited for once, and one that only keeps quiet twice.
 */
export class RemoteLooks {
    private readonly looks = new Looks<Answer>();
    private readonly servers = new UnreachableServers();
    private readonly seen = new Map<string, RemoteVersions["commits"]>();

    /** @param seconds to wait for a server at most @default those of resolveGitCommit and archiveVersion */
    constructor(private readonly seconds?: number) {}

    /**
     * @param image that asks: its name in the state
     * @param project folder that git asks from: its configuration counts
     * @param known versions of an earlier time, for servers that cannot be asked now
     * @returns with `notAsked`, what could not be asked and why, for a person
     */
    async versions(
        image: string,
        inputs: ContextInputs & { secrets: Secrets },
        project: string,
        known: Partial<RemoteVersions> = {},
    ): Promise<RemoteVersions & { notAsked: string[] }> {
        const answers = new Map<string, Promise<Answer>>();
        this.servers.begin(image);
        const asked = questionsOf(inputs, project, this.seconds).map(async ({ of, address, key, server, ask }) => {
            const text = JSON.stringify(key);
            const answer = answers.get(text) ?? this.looks.at(image, text, () => this.servers.ask(server, ask));
            answers.set(text, answer);
            return { of, address, answer: await answer };
        });
        const versions: RemoteVersions = { commits: {}, archives: {} };
        const seen: RemoteVersions["commits"] = {};
        const notAsked: string[] = [];
        for (const { of, address, answer } of await Promise.all(asked)) {
            if ("reason" in answer) {
                notAsked.push(
                    withoutLogins(`${address}: ${unknown[of]}, so it is taken as unchanged: ${answer.reason}`),
                );
            } else if (of === "commits") {
                seen[address] = answer.version;
            }
            const version = "version" in answer ? answer.version : known[of]?.[address];
            if (version) {
                versions[of][address] = version;
            }
        }
        this.seen.set(image, seen);
        return { ...versions, notAsked: [...new Set(notAsked)] };
    }

    /** The commits that servers named when this image asked the last time. */
    commitsSeenBy(image: string): RemoteVersions["commits"] {
        return this.seen.get(image) ?? {};
    }
}

const unknown: { [of in keyof RemoteVersions]: string } = {
    commits: "its newest commit is not known",
    archives: "whether it has changed is not known",
};

function questionsOf(inputs: ContextInputs & { secrets: Secrets }, project: string, seconds?: number): Question[] {
    return placesOf(inputs, project).flatMap(({ kind, source: address }): Question[] => {
        if (kind === "http") {
            const login = archiveLogin(address, inputs.secrets);
            const server = async () => `curl ${new URL(address).origin}`;
            const ask = () => archiveVersion(address, login, seconds);
            return [{ of: "archives", address, key: [address, login], server, ask }];
        }
        const git = kind === "git" ? parseGitContext(address) : undefined;
        if (!git) {
            return [];
        }
        const login = gitLogin(git.remote, inputs.secrets, process.env);
        const server = async () => `git ${await gitServer(git.remote, project, login)}`;
        const ask = async () => {
            const answer = await resolveGitCommit(git, project, login, seconds);
            return "commit" in answer ? { version: answer.commit } : answer;
        };
        return [{ of: "commits", address, key: [git, project, login], server, ask }];
    });
}
