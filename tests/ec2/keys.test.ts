import { readdirSync } from "node:fs";
import * as path from "node:path";
import { StopInstancesCommand } from "@aws-sdk/client-ec2";
import { DeleteParameterCommand, GetParameterCommand, PutParameterCommand } from "@aws-sdk/client-ssm";
import { type Faults, Simulation } from "../../packages/simulated-ec2";
import { until } from "../e2e/processes";
import { describeHere } from "../helpers/needs";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(300_000);

const parameter = "/native-buildx/keys/amd64/keys";
const noFaults: Faults = { throttled: [], denied: [], slow: {} };

// The keys of a runner that never stops by itself, told in order: each test goes on from the one before.
describeHere("the keys of a runner on the simulated EC2", () => {
    let simulation: Simulation;
    let project: Ec2Project;
    let id: string;

    beforeAll(async () => {
        simulation = Simulation.start();
        project = Ec2Project.createIn(simulation, "keys", { platforms: ["linux/amd64"], idleMinutes: 0 });
        project.context("nothing", ["FROM scratch", "COPY Dockerfile /"]);
        await project.init();
        await project.succeed(project.up());
        id = await project.instanceId("amd64");
    }, 600_000);

    afterEach(() => simulation.setFaults(noFaults));

    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    const published = async () =>
        (await simulation.ssm.send(new GetParameterCommand({ Name: parameter, WithDecryption: true }))).Parameter
            ?.Value ?? "";
    const inMachine = async (command: string) => {
        const done = await simulation.execute(id, command);
        if (done.status !== 0) {
            throw new Error(`${command}: ${done.stderr}`);
        }
        return done.stdout;
    };
    const stop = async () => {
        await simulation.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
        await simulation.awaitState(id, "stopped");
    };
    const setOnRunner = (setting: string, value: number, file = "settings") =>
        inMachine(
            `sed -i "s/^${setting}=.*/${setting}=${value}/" /usr/local/lib/native-buildx/${file} && systemctl restart native-buildx-idle`,
        );
    /** Folders with keys in the home of a machine that has connected. */
    const keyFolders = (machine: string) => {
        const folder = path.join(
            project.folder,
            machine,
            ".docker/buildx/native-buildx/native-buildx-keys/native-buildx-keys-amd64",
        );
        return readdirSync(folder).map((name) => path.join(folder, name));
    };
    const hasKeys = (text: string) => text.startsWith("-----BEGIN CERTIFICATE-----");
    /** The status of a request to the runner with these keys: 000 where TLS came to nothing. */
    const knock = async (keys: string) => {
        const { PublicIpAddress: host } = await project.instance("amd64");
        const name = "amd64.runner.native-buildx.internal";
        const files = ["--cacert", `${keys}/ca.pem`, "--cert", `${keys}/cert.pem`, "--key", `${keys}/key.pem`];
        const resolve = ["--resolve", `${name}:9753:${host}`, "--http2-prior-knowledge"];
        const args = ["-s", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}", ...files, ...resolve];
        return (await project.run("curl", [...args.slice(0, -1), `https://${name}:9753/`])).output;
    };

    it("are published by the runner's first start; connect, which holds no secret, finds them", async () => {
        await project.connectAndBuild("laptop", "amd64");

        expect(hasKeys(await published())).toBe(true);
        const script = await project.succeed(project.pulumi("stack", "output", "connect"));
        expect(script.output).toBe(await project.connectScript());
        expect(script.output).not.toContain("PRIVATE KEY");
    });

    it("are in no state, neither after `up` nor after a refresh, which leave them as they are", async () => {
        const before = await published();
        await project.succeed(project.pulumi("refresh", "--yes", "--skip-preview"));
        await project.succeed(project.pulumi("up", "--refresh", "--yes", "--skip-preview"));
        const { output } = await project.succeed(project.pulumi("stack", "export", "--show-secrets"));

        expect(output).toContain("not started yet");
        // The script that is in the state names the beginnings of such texts, and has none.
        expect(output).not.toMatch(/-----BEGIN [A-Z ]*(CERTIFICATE|KEY)-----\\*n?[A-Za-z0-9+/]{20}/);
        expect(await published()).toBe(before);
    });

    it("are in no log, console, user data or recorded call", async () => {
        const journal = await inMachine("journalctl --no-pager; cat /var/lib/cloud/instance/scripts/*");
        const texts = { journal, console: await project.console("amd64"), calls: await simulation.calls() };
        for (const [name, text] of Object.entries(texts)) {
            expect(`${name}: ${JSON.stringify(text)}`).not.toContain("PRIVATE KEY");
        }
    });

    it("are not asked for again while those at hand still work", async () => {
        const before = await project.countOf("ssm:GetParameter");
        await project.connectAndBuild("laptop", "amd64");

        expect(await project.countOf("ssm:GetParameter")).toBe(before);
    });

    it("are revoked by a stop, which the parameter says; a client with yesterday's gets today's", async () => {
        const yesterday = await published();
        const [old = ""] = keyFolders("laptop");
        expect(await knock(old)).not.toBe("000");
        await stop();
        expect(await published()).toBe("stopped");

        await project.connectAndBuild("laptop", "amd64");
        expect(hasKeys(await published())).toBe(true);
        expect(await published()).not.toBe(yesterday);
        expect(await knock(old)).toBe("000");
    });

    it("are others after a power cut, for two clients that wake the runner at once", async () => {
        const before = await published();
        await simulation.pullThePlug(id);
        await simulation.awaitState(id, "stopped");
        expect(await published()).toBe(before);

        await Promise.all(["laptop", "ci"].map((machine) => project.connectAndBuild(machine, "amd64")));
        expect(await published()).not.toBe(before);
    });

    it.each(["-365d", "+365d"])("are good though the clock of the machine is %s off at its start", async (offset) => {
        // The scripts' clock; `date` that sets it ends that. (The kernel's is this machine's.)
        const lie =
            "Environment=LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 FAKETIME_TIMESTAMP_FILE=/etc/lie";
        const date = '#!/bin/sh\ncase "$*" in "-u -s "*) echo +0 >/etc/lie; exit ;; esac\nexec /usr/bin/date "$@"\n';
        await inMachine(`set -e
            folder=/etc/systemd/system/native-buildx-keys.service.d
            mkdir -p $folder /usr/local/sbin
            printf '[Service]\\n%s FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1\\n' '${lie}' >$folder/clock.conf
            printf '%s' '${date}' >/usr/local/sbin/date
            chmod +x /usr/local/sbin/date
            echo ${offset} >/etc/lie`);
        await stop();
        await project.connectAndBuild("laptop", "amd64");

        expect(await inMachine("cat /etc/lie")).toBe("+0\n");
        await until("the console to tell", async () =>
            (await project.console("amd64")).includes(`the clock was wrong by ${offset.startsWith("-") ? "-" : ""}315`),
        );
        await inMachine("rm -r /etc/systemd/system/native-buildx-keys.service.d /usr/local/sbin/date /etc/lie");
    });

    it.each<[string, () => Promise<unknown>]>([
        ["deleted", () => simulation.ssm.send(new DeleteParameterCommand({ Name: parameter }))],
        [
            "overwritten",
            () =>
                simulation.ssm.send(
                    new PutParameterCommand({ Name: parameter, Type: "SecureString", Value: "mine", Overwrite: true }),
                ),
        ],
    ])("are there again, for a client that waits, after the parameter was %s by hand", async (how, change) => {
        await setOnRunner("publish_seconds", 5);
        await change();
        const said = await project.connectAndBuild(`after-${how}`, "amd64");

        expect(said).toContain("waiting until the runner has published its keys");
        await until("the console to tell", async () =>
            (await project.console("amd64")).includes("somebody has changed or deleted"),
        );
        await setOnRunner("publish_seconds", 60);
    });

    it("are waited for at boot, with the port closed, while the parameter store refuses and then is slow", async () => {
        await stop();
        await simulation.setFaults({ denied: ["ssm:PutParameter"] });
        const waiting = project.connect("laptop", "amd64");
        const said = (text: string) =>
            until(`the console to say ${text}`, async () => (await project.console("amd64")).includes(text));
        await said("AccessDeniedException");
        expect(await inMachine("ss -Hltn 'sport = :9753'")).toBe("");
        await simulation.setFaults({ ...noFaults, throttled: ["ssm:PutParameter"] });
        await said("ThrottlingException");
        // Longer than the runner waits for an answer.
        await simulation.setFaults({ ...noFaults, slow: { "ssm:PutParameter": 12 } });
        await said("timed out");
        await simulation.setFaults({ ...noFaults, slow: { "ssm:PutParameter": 3 } });

        await project.succeed(waiting);
        expect(await project.console("amd64")).toContain("keys not published yet, trying on: ");
    });

    it("are waited for by connect while the parameter store is slow or has too many requests", async () => {
        await simulation.setFaults({ throttled: ["ssm:GetParameter"], slow: { "ssm:GetParameter": 1 } });
        const waiting = project.connect("patient", "amd64");
        await until("calls to be refused", async () =>
            (await simulation.calls()).some(({ error }) => error === "ThrottlingException"),
        );
        await simulation.setFaults(noFaults);
        await project.succeed(waiting);
    });

    it("are refused to whoever may not read them, who is told which permission it takes", async () => {
        await simulation.setFaults({ denied: ["ssm:GetParameter"] });
        const { code, output } = await project.connect("stranger", "amd64");

        expect(code).not.toBe(0);
        expect(output).toContain(`its keys may not be read: ssm:GetParameter on ${parameter} is needed`);
    });

    it("are renewed by a runner that never stops, in a stream of builds of which none is lost", async () => {
        const before = await published();
        // Of the thirty days that they are good for, less than half of eighty are left.
        await setOnRunner("keys_days", 80, "keys.sh");
        await setOnRunner("publish_seconds", 2);
        let builds = 0;
        await until("the keys to be renewed", async () => {
            await project.connectAndBuild("laptop", "amd64");
            builds++;
            // Not before, however slow the machine is.
            if (builds === 2) {
                await setOnRunner("calm_seconds", 10);
                // So that it looks within the next pause, too.
                await setOnRunner("look_seconds", 1);
            }
            // The runner renews them when nothing was built for the ten minutes that are ten seconds here.
            await new Promise((resolve) => setTimeout(resolve, builds % 3 === 0 ? 14_000 : 1000));
            return (await published()) !== before;
        });
        await project.connectAndBuild("laptop", "amd64");
        await project.connectAndBuild("ci", "amd64");

        expect(builds).toBeGreaterThan(2);
        expect(await project.console("amd64")).toContain("new keys: starting BuildKit with them");
    });

    it("make clients refuse a machine that took over the runner's address", async () => {
        const fingerprint = path.basename(keyFolders("laptop").at(-1) ?? "");
        expect(fingerprint).not.toBe("");
        await inMachine(`set -e
            systemctl stop buildkit
            . /usr/local/lib/native-buildx/keys.sh
            make_keys /run/impostor amd64.runner.native-buildx.internal
            sed 's#/run/native-buildx#/run/impostor#; s#/var/lib/buildkit/root#/run/impostor/root#' /etc/native-buildx/buildkitd.toml >/run/impostor/buildkitd.toml
            systemd-run --quiet --unit impostor buildkitd --config /run/impostor/buildkitd.toml`);
        await until("the impostor to serve", async () => (await inMachine("ss -Hltn 'sport = :9753'")) !== "");
        const { code, output } = await project.connect("laptop", "amd64");

        expect(code).not.toBe(0);
        expect(output).toContain("connect: not ready: linux/amd64");
        const histories = await inMachine("buildctl --addr unix:///run/buildkit/buildkitd.sock debug histories");
        expect(histories.trim().split("\n")).toHaveLength(1);
        await inMachine("systemctl stop impostor && systemctl start buildkit");
        await project.connectAndBuild("laptop", "amd64");
    });

    it("go with the stack", async () => {
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        await expect(published()).rejects.toMatchObject({ name: "ParameterNotFound" });
    });
});
